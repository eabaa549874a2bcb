/** `/var/log/syslog` of a host, in the traditional form: time, host, program, message. */
import type { SeededRandom } from '../../../test/simulation/random.ts';
import type { LineMaker } from './text.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const linesPerSecond = 20;

type Message = (random: SeededRandom) => string;

const messages: readonly Message[] = [
  (r) => `sshd[${pid(r)}]: Failed password for invalid user admin from ${ip(r)} port ${1024 + r.below(60_000)} ssh2`,
  (r) => `sshd[${pid(r)}]: Accepted publickey for deploy from ${ip(r)} port ${1024 + r.below(60_000)} ssh2`,
  (r) => `sshd[${pid(r)}]: pam_unix(sshd:session): session closed for user deploy`,
  (r) => `CRON[${pid(r)}]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)`,
  (r) => `systemd[1]: Started session-${r.below(100_000)}.scope - Session ${r.below(100_000)} of user deploy.`,
  (r) => `systemd[1]: run-docker-runtime\\x2drunc-moby-${r.uint32().toString(16)}.mount: Deactivated successfully.`,
  (r) =>
    `kernel: [${r.below(9_000_000)}.${r.below(1_000_000)}] [UFW BLOCK] IN=eth0 OUT= SRC=${ip(r)} LEN=${r.below(1500)} TTL=${r.below(256)} PROTO=TCP SPT=${r.below(65_536)} DPT=22`,
  (r) => `dhclient[612]: DHCPREQUEST for 10.0.${r.below(256)}.${r.below(256)} on eth0 to 10.0.0.1 port 67`,
  (r) => `postfix/smtpd[${pid(r)}]: connect from unknown[${ip(r)}]`,
];

export function syslogLines(random: SeededRandom): LineMaker {
  return (number) => `${time(number)} edge-7 ${random.pick(messages)(random)}\n`;
}

function time(number: number): string {
  const at = new Date(1_793_000_000_000 + Math.floor(number / linesPerSecond) * 1000);
  const clock = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map((n) => String(n).padStart(2, '0'));
  return `${months[at.getUTCMonth()]} ${String(at.getUTCDate()).padStart(2)} ${clock.join(':')}`;
}

function pid(random: SeededRandom): number {
  return 300 + random.below(32_000);
}

function ip(random: SeededRandom): string {
  return [1 + random.below(223), random.below(256), random.below(256), random.below(256)].join('.');
}
