import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricsText } from '../../agent/admin/metrics.ts';
import { judge } from '../../agent/status/health.ts';
import { statusText } from '../../agent/status/text.ts';
import { collector, picture, shipper, source, spool } from './pictures.ts';

async function scrape(shown = picture(), perSource = false): Promise<string[]> {
  return (await metricsText(judge(shown, []), perSource)).split('\n');
}

test('the metrics of the contract are there with their labels', async () => {
  const lines = await scrape();
  for (const line of [
    'tailspool_read_records_total{collector="nginx"} 10',
    'tailspool_read_bytes_total{collector="nginx"} 100',
    'tailspool_spooled_records_total{collector="nginx"} 9',
    'tailspool_acknowledged_bytes_total{collector="nginx",shipper="central"} 60',
    'tailspool_dropped_records_total{collector="nginx",shipper="",reason="hole"} 1',
    'tailspool_dropped_bytes_total{collector="nginx",shipper="central",reason="retention"} 10',
    'tailspool_waiting_records{collector="nginx",shipper="central"} 2',
    'tailspool_oldest_waiting_seconds{shipper="central"} 2',
    'tailspool_lag_records{collector="nginx"} 2',
    'tailspool_spool_bytes 500',
    'tailspool_spool_syncs_total 4',
    'tailspool_shipper_outcomes_total{shipper="central",outcome="acknowledged"} 3',
    'tailspool_shipper_state{shipper="central",state="idle"} 1',
    'tailspool_collector{collector="nginx",figure="open_files"} 1',
    'tailspool_healthy 1',
    'process_cpu_seconds_total 1',
  ]) {
    assert.ok(lines.includes(line), `${line} is missing`);
  }
});

test('the circuit of a shipper that sends is a number in the metrics and words in the status', async () => {
  const open = shipper({ circuit: 'open', state: 'retrying', gauges: { failures_in_a_row: 3, retry_delay_ms: 2000 } });
  const shown = picture({ shippers: [open, shipper({ name: 'mirror' })] });
  const circuits = (await scrape(shown)).filter((line) => line.startsWith('tailspool_shipper_circuit'));
  assert.deepEqual(circuits, ['tailspool_shipper_circuit{shipper="central"} 2']);
  assert.match(
    statusText(judge(shown, [])),
    /retrying \(circuit open: failed 3 times in a row, tries again within 2\.0 s\)/,
  );
});

test('the latency histogram is cumulative and ends at +Inf', async () => {
  const lines = (await scrape()).filter((line) => line.startsWith('tailspool_shipper_latency'));
  assert.deepEqual(lines, [
    'tailspool_shipper_latency_seconds_bucket{shipper="central",le="0.1"} 2',
    'tailspool_shipper_latency_seconds_bucket{shipper="central",le="1"} 3',
    'tailspool_shipper_latency_seconds_bucket{shipper="central",le="+Inf"} 3',
    'tailspool_shipper_latency_seconds_sum{shipper="central"} 0.5',
    'tailspool_shipper_latency_seconds_count{shipper="central"} 3',
  ]);
});

test('sources stand in the metrics only when asked for', async () => {
  const shown = picture({ collectors: [collector({ sources: [source({ name: '/odd "name"\n' })] })] });
  assert.ok(!(await scrape(shown)).some((line) => line.startsWith('tailspool_source_')));
  const lines = await scrape(shown, true);
  const expected =
    'tailspool_source_offset_bytes{collector="nginx",source="/odd \\"name\\"\\n",number="1",state="following"} 100';
  assert.ok(lines.includes(expected));
});

test('a hold and the problems it makes are in the metrics', async () => {
  const full = { cause: 'disk_full', subject: '/data', message: 'full', since: 1, red: true };
  const lines = await scrape(picture({ spool: spool({ hold: 'disk_full', problems: [full] }) }));
  assert.ok(lines.includes('tailspool_spool_hold{reason="disk_full"} 1'));
  assert.ok(lines.includes('tailspool_problems{part="spool",cause="disk_full",red="true"} 1'));
  assert.ok(lines.includes('tailspool_healthy 0'));
});
