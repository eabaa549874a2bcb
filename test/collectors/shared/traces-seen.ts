/**
 * Stack traces as they are printed, each between lines of its log. Java 17, Python 3.11 and Node 24 printed theirs on a machine; those of Go,
 * .NET and Ruby stand in these languages' documentation and issue trackers in this form.
 */
import type { TraceSetName } from '../../../collectors/shared/traces.ts';

export interface Seen {
  readonly set: TraceSetName;
  readonly what: string;
  readonly trace: string;
}

export const seen: readonly Seen[] = [
  {
    set: 'java',
    what: 'printStackTrace with a cause and something suppressed',
    trace: `java.lang.IllegalStateException: while reading
	at T.f(T.java:2)
	at T.main(T.java:4)
	at java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)
	at java.base/java.lang.reflect.Method.invoke(Method.java:569)
	Suppressed: java.lang.Exception: closing
		at T.main(T.java:4)
		... 6 more
Caused by: java.lang.NumberFormatException: For input string: "x"
	at java.base/java.lang.NumberFormatException.forInputString(NumberFormatException.java:67)
	at java.base/java.lang.Integer.parseInt(Integer.java:668)
	... 8 more`,
  },
  {
    set: 'java',
    what: 'an uncaught exception without words',
    trace: `Exception in thread "main" java.lang.RuntimeException
	at T.main(T.java:6)`,
  },
  {
    set: 'java',
    what: 'the log line that ends in the exception, as log4j writes it',
    trace: `2015-10-18 18:06:26,029 ERROR [main] org.example.App: failed: java.net.NoRouteToHostException: No route to host
	at sun.nio.ch.SocketChannelImpl.checkConnect(Native Method)
	at org.apache.hadoop.net.SocketIOWithTimeout.connect(SocketIOWithTimeout.java:206)
	... 12 common frames omitted
Wrapped by: java.io.IOException: no way
	at org.example.App.main(App.java:12)`,
  },
  {
    set: 'python',
    what: 'a chain of exceptions',
    trace: `Traceback (most recent call last):
  File "/tmp/t.py", line 4, in f
    int("x")
ValueError: invalid literal for int() with base 10: 'x'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/tmp/t.py", line 8, in g
    try: f()
         ^^^
  File "/tmp/t.py", line 6, in f
    raise RuntimeError("while reading") from e
RuntimeError: while reading

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/tmp/t.py", line 10, in <module>
    g()
  File "/tmp/t.py", line 9, in g
    except Exception: raise KeyError("again")
                      ^^^^^^^^^^^^^^^^^^^^^^^
KeyError: 'again'`,
  },
  {
    set: 'python',
    what: 'an exception group',
    trace: `  + Exception Group Traceback (most recent call last):
  |   File "<string>", line 4, in <module>
  |   File "<string>", line 3, in f
  | ExceptionGroup: many (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: a
    +---------------- 2 ----------------
    | TypeError: b
    +------------------------------------`,
  },
  {
    set: 'python',
    what: 'an exception without words, of a package',
    trace: `Traceback (most recent call last):
  File "/srv/app/main.py", line 3, in <module>
    run()
app.errors.Stopped`,
  },
  {
    set: 'go',
    what: 'a panic',
    trace: `panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48e1f5]

goroutine 1 [running]:
main.(*server).handle(...)
	/home/u/app/main.go:12
main.main()
	/home/u/app/main.go:8 +0x15
exit status 2`,
  },
  {
    set: 'go',
    what: 'a panic again, with several goroutines',
    trace: `panic: boom [recovered]
	panic: boom

goroutine 18 [running]:
testing.tRunner.func1.2({0x4f2a60, 0x5373a8})
	/usr/local/go/src/testing/testing.go:1526 +0x24e
created by testing.(*T).Run
	/usr/local/go/src/testing/testing.go:1629 +0x3ea

goroutine 1 [chan receive, 2 minutes]:
testing.(*T).Run(0xc000007860, {0x513cd5?, 0x4b6ce5?}, 0x51e9f8)
	/usr/local/go/src/testing/testing.go:1630 +0x405
main.main()
	_testmain.go:47 +0x1aa`,
  },
  {
    set: 'go',
    what: 'what net/http recovers from',
    trace: `2023/05/01 10:00:00 http: panic serving 127.0.0.1:51234: assignment to entry in nil map
goroutine 35 [running]:
net/http.(*conn).serve.func1()
	/usr/local/go/src/net/http/server.go:1850 +0xbf
created by net/http.(*Server).Serve in goroutine 1
	/usr/local/go/src/net/http/server.go:3086 +0x5cb`,
  },
  {
    set: 'node',
    what: 'an error with a cause, behind words of the log',
    trace: `2026-01-02 request failed: Error: outer
    at file:///tmp/t.mjs:2:86
    at ModuleJob.run (node:internal/modules/esm/module_job:561:25)
    at async node:internal/modules/esm/loader:647:26 {
  [cause]: SyntaxError: Expected property name or '}' in JSON at position 1 (line 1 column 2)
      at JSON.parse (<anonymous>)
      at file:///tmp/t.mjs:2:12
      at async asyncRunEntryPointWithESMLoader (node:internal/modules/run_main:101:5)
}`,
  },
  {
    set: 'node',
    what: 'an error with properties',
    trace: `Error: ENOENT: no such file or directory, open '/nope'
    at Object.openSync (node:fs:621:18)
    at readFileSync (node:fs:487:35) {
  errno: -2,
  code: 'ENOENT',
  syscall: 'open',
  path: '/nope'
}`,
  },
  {
    set: 'node',
    what: 'an uncaught error',
    trace: `file:///tmp/t.mjs:5
throw Object.assign(new RangeError('end'), { code: 'E_X' });
                    ^

RangeError: end
    at file:///tmp/t.mjs:5:21
    at ModuleJob.run (node:internal/modules/esm/module_job:561:25) {
  code: 'E_X'
}

Node.js v24.21.0`,
  },
  {
    set: 'dotnet',
    what: 'an unhandled exception with an inner one',
    trace: `Unhandled exception. System.InvalidOperationException: outer
 ---> System.FormatException: Input string was not in a correct format.
   at System.Number.ThrowOverflowOrFormatException(ParsingStatus status, TypeCode type)
   at System.Int32.Parse(String s)
   at App.Program.Read() in /src/Program.cs:line 12
   --- End of inner exception stack trace ---
   at App.Program.Read() in /src/Program.cs:line 16
   at App.Program.Main(String[] args) in /src/Program.cs:line 5`,
  },
  {
    set: 'dotnet',
    what: 'one that was logged, thrown again by a task',
    trace: `fail: System.Net.Http.HttpRequestException: Connection refused (localhost:80)
   at System.Net.Sockets.Socket.AwaitableSocketAsyncEventArgs.ThrowException(SocketError error, CancellationToken token)
--- End of stack trace from previous location ---
   at App.Client.GetAsync()`,
  },
  {
    set: 'ruby',
    what: 'an uncaught error',
    trace: `app.rb:2:in \`parse': invalid value for Integer(): "x" (ArgumentError)
	from app.rb:6:in \`run'
	from app.rb:9:in \`<main>'`,
  },
  {
    set: 'ruby',
    what: 'Ruby 3.4, with a cause',
    trace: `app.rb:6:in 'Object#run': outer (RuntimeError)
	from app.rb:9:in '<main>'
app.rb:2:in 'Kernel#Integer': invalid value for Integer(): "x" (ArgumentError)
	from app.rb:2:in 'Object#parse'
	 ... 3 levels...`,
  },
  {
    set: 'ruby',
    what: 'the other order, on a terminal of Ruby 2.5',
    trace: `Traceback (most recent call last):
	2: from app.rb:9:in \`<main>'
	1: from app.rb:6:in \`run'
app.rb:2:in \`parse': invalid value for Integer(): "x" (ArgumentError)`,
  },
  {
    set: 'ruby',
    what: 'what Rails logs',
    trace: `ActiveRecord::RecordNotFoundError (Couldn't find User with 'id'=7):
  app/controllers/users_controller.rb:12:in \`show'
  app/middleware/timing.rb:8:in \`call'`,
  },
];
