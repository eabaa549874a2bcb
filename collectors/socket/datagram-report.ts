/** What a listener of datagrams has to tell: what the kernel gave and dropped, and what a person may want to do about it. */
import type { Clock, Problem } from '../../spool/ports.ts';
import type { DatagramListening, DatagramListenOptions } from '../socket-ports.ts';
import { Notice } from './notices.ts';

export class DatagramReport {
  readonly #name: string;
  readonly #options: DatagramListenOptions;
  readonly #clock: Clock;
  readonly #drops: Notice;
  #listening: DatagramListening | undefined;
  #dropped = 0;
  #small: Problem | undefined;
  #slow: Problem | undefined;

  constructor(name: string, options: DatagramListenOptions, clock: Clock) {
    this.#name = name;
    this.#options = options;
    this.#clock = clock;
    const trouble = {
      cause: 'kernel_drops',
      subject: name,
      hint: 'A larger `receive_buffer` bridges longer bursts; a destination or disk that is slow for long needs more.',
      message: (count: number) => `${count} datagrams were dropped because the receive buffer was full.`,
    };
    this.#drops = new Notice(trouble, clock);
  }

  bound(listening: DatagramListening): void {
    this.#listening = listening;
    this.#small = this.#smallBuffer(listening);
    this.#slow = this.#slowWay(listening);
  }

  /** `total`: since bound. */
  dropped(total: number): void {
    this.#dropped = total;
  }

  problems(): Problem[] {
    return [this.#small, this.#slow, this.#drops.look(this.#dropped)].filter((problem) => problem !== undefined);
  }

  gauges(): Record<string, number> {
    return { receive_buffer_bytes: this.#listening?.receiveBufferBytes ?? 0, kernel_drops: this.#dropped };
  }

  #smallBuffer({ receiveBufferBytes: got }: DatagramListening): Problem | undefined {
    const asked = this.#options.receiveBufferBytes ?? 0;
    if (got >= asked) return undefined;
    const message = `The kernel gave a receive buffer of ${got} bytes where ${asked} were asked for; bursts may be dropped.`;
    const hint = `sysctl -w net.core.rmem_max=${asked}, and the same in /etc/sysctl.d.`;
    return { cause: 'small_receive_buffer', subject: this.#name, message, hint, since: this.#clock.now(), red: false };
  }

  #slowWay({ way }: DatagramListening): Problem | undefined {
    if (way.kind === 'native') return undefined;
    const message = `Datagrams are received through Node's sockets, which costs more and cannot wait: ${way.reason}`;
    const hint = 'Let one of /dev/shm, /tmp, /var/tmp, /run or the data_dir be mounted without noexec.';
    return { cause: 'slow_sockets', subject: this.#name, message, hint, since: this.#clock.now(), red: false };
  }
}
