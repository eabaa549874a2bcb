/**
 * A ClickHouse server of a test's own, a store for logs that takes NDJSON by HTTP: of the system, or as Debian 12 packages it (18.16),
 * fetched and unpacked for this. In a folder of its own, on loopback ports that were free.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackedEnvironment, unpackedFolder, unpackPackages } from '../../build/debian-packages.ts';
import { freePort, until } from './tailspool.ts';

export interface ClickhouseProgram {
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The program, or why it cannot be had. */
export function findClickhouse(): ClickhouseProgram | string {
  return locate('/') ?? locate(unpackedFolder('clickhouse')) ?? fetched();
}

function fetched(): ClickhouseProgram | string {
  const trouble = unpackPackages('clickhouse', ['clickhouse-server', 'clickhouse-common']);
  return trouble ?? locate(unpackedFolder('clickhouse')) ?? 'its packages were unpacked, but hold no clickhouse-server';
}

function locate(prefix: string): ClickhouseProgram | undefined {
  const command = ['usr/sbin/clickhouse-server', 'usr/bin/clickhouse-server']
    .map((path) => join(prefix, path))
    .find((path) => existsSync(path));
  return command === undefined
    ? undefined
    : { command, env: prefix === '/' ? process.env : unpackedEnvironment(prefix) };
}

export class Clickhouse implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #port: number;
  #printed = '';

  private constructor(program: ClickhouseProgram, folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    const config = join(folder, 'config.xml');
    this.#child = spawn(program.command, [`--config-file=${config}`], { env: program.env, stdio: 'pipe' });
    const keep = (chunk: Buffer) => (this.#printed = (this.#printed + chunk).slice(-16_384));
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
  }

  static async start(program: ClickhouseProgram): Promise<Clickhouse> {
    const folder = mkdtempSync(join(tmpdir(), 'tailspool-clickhouse-'));
    const [port, native] = [await freePort(), await freePort()];
    writeFileSync(join(folder, 'users.xml'), users);
    writeFileSync(
      join(folder, 'config.xml'),
      `<yandex><logger><level>warning</level><console>1</console></logger>
       <http_port>${port}</http_port><tcp_port>${native}</tcp_port><listen_host>127.0.0.1</listen_host>
       <path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path><mark_cache_size>16777216</mark_cache_size>
       <users_config>${folder}/users.xml</users_config><default_profile>default</default_profile>
       <default_database>default</default_database></yandex>`,
    );
    const server = new Clickhouse(program, folder, port);
    const answers = async () => (await fetch(server.url('SELECT 1')).catch(() => undefined))?.ok ?? false;
    await until('ClickHouse to answer', answers, () => server.#printed);
    return server;
  }

  url(query: string, settings: Readonly<Record<string, string>> = {}): string {
    return `http://127.0.0.1:${this.#port}/?${new URLSearchParams({ query, ...settings })}`;
  }

  /** The rows of the answer; throws what the server says of a mistake. */
  async ask<Row>(query: string): Promise<Row[]> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/`, { method: 'POST', body: query });
    const text = await answer.text();
    assert.ok(answer.ok, `${query}: ${text}`);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const users = `<yandex><profiles><default></default></profiles><quotas><default></default></quotas>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
  <quota>default</quota></default></users></yandex>`;
