/** Times without a zone and without a year, against the host's own calendar. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { civilOf, daysOf, isDay } from '../../../collectors/syslog/parse/calendar.ts';
import { Zone } from '../../../collectors/syslog/parse/zone.ts';
import { SeededRandom } from '../../simulation/random.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const dayMs = 86_400_000;

test('the calendar is the one of Date, for every day from year 1 to 9999 that is drawn', (context) => {
  context.diagnostic(`SEED=${seed}`);
  const random = new SeededRandom(seed);
  const civil = { year: 0, month: 0, day: 0 };
  const first = daysOf(1, 1, 1);
  for (let round = 0; round < 20_000; round++) {
    const days = first + random.below(3_652_000);
    civilOf(days, civil);
    const date = new Date(days * dayMs);
    assert.deepEqual(civil, { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() });
    assert.equal(daysOf(civil.year, civil.month, civil.day), days);
    assert.ok(isDay(civil.year, civil.month, civil.day));
  }
});

test('what the wall shows is turned back into the moment it was shown, in any zone', (context) => {
  context.diagnostic(`SEED=${seed}`);
  const random = new SeededRandom(seed);
  for (const timeZone of ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia']) {
    const zone = new Zone(timeZone);
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
    for (let round = 0; round < 400; round++) {
      const utcMinutes = Math.floor(Date.UTC(2015, 0, 1) / 60_000) + random.below(10 * 525_600);
      const wallMinutes = Date.parse(`${format.format(utcMinutes * 60_000).replace(' ', 'T')}:00Z`) / 60_000;
      // Received at once: of an hour that is there twice, that is the right one.
      zone.received((utcMinutes + 1) * 60_000);
      assert.equal(zone.utcOf(wallMinutes), utcMinutes, `${timeZone} ${new Date(utcMinutes * 60_000).toISOString()}`);
    }
  }
});

test('a zone that nobody knows is refused', () => {
  assert.throws(() => new Zone('Europe/Atlantis'), RangeError);
});

test("the host's zone is the one of Date", () => {
  const zone = new Zone(undefined);
  const moment = new Date(2024, 6, 1, 12, 30);
  zone.received(moment.getTime());
  assert.equal(zone.utcOf(Date.UTC(2024, 6, 1, 12, 30) / 60_000) * 60_000, moment.getTime());
});
