/** What an executable can be built for, and the tools that each takes. */
export type TargetName = 'linux-x64' | 'linux-arm64';

export interface Target {
  readonly name: TargetName;
  /** Debian's name of the architecture, in packages. */
  readonly debian: string;
  /** RPM's. */
  readonly rpm: string;
  /** Before the names of compiler and binutils; '' where this machine is of that kind itself. */
  readonly toolPrefix: string;
  /** This machine can run what is built. */
  readonly native: boolean;
  /** Names the executable among its siblings: `tailspool` for this machine's own. */
  readonly fileName: string;
}

const kinds = {
  'linux-x64': { debian: 'amd64', rpm: 'x86_64', triplet: 'x86_64-linux-gnu' },
  'linux-arm64': { debian: 'arm64', rpm: 'aarch64', triplet: 'aarch64-linux-gnu' },
} as const;

export const targetNames = Object.keys(kinds) as TargetName[];

/** This machine's own where no name is given. Throws, for people, where there is no such target. */
export function targetNamed(name = `${process.platform}-${process.arch}`): Target {
  if (!isTarget(name)) throw new Error(`there is no target ${name}; there are: ${targetNames.join(', ')}`);
  const native = name === `${process.platform}-${process.arch}`;
  const { debian, rpm, triplet } = kinds[name];
  const fileName = native ? 'tailspool' : `tailspool-${name}`;
  return { name, debian, rpm, native, toolPrefix: native ? '' : `${triplet}-`, fileName };
}

function isTarget(name: string): name is TargetName {
  return Object.hasOwn(kinds, name);
}
