/**
 * Whose log a file is, by its path, in OpenTelemetry's terms:
 *
 *     /var/log/pods/<namespace>_<pod>_<uid>/<container>/<restarts>.log
 *     /var/log/containers/<pod>_<namespace>_<container>-<id>.log      a link to the above
 *     /var/lib/docker/containers/<id>/<id>-json.log                    where such a link may lead
 *
 * Pure. No name of a namespace, pod or container has an underscore.
 */
import type { Attributes } from '../../spool/nouns.ts';

const pod = /\/([^/_]+)_([^/_]+)_([^/_]+)\/([^/]+)\/(\d+)\.log$/;
const link = /\/([^/_]+)_([^/_]+)_([^/]+)-([0-9a-f]{64})\.log$/;
const docker = /\/([0-9a-f]{64})\/\1-json\.log$/;

/** What all of the paths tell that lead to one file, the first one first. */
export function containerAttributes(paths: readonly string[]): Attributes {
  return Object.assign({}, ...paths.map(attributesOf).reverse());
}

function attributesOf(path: string): Attributes {
  const inPod = pod.exec(path);
  if (inPod) {
    const [, namespace, name, uid, container, restarts] = inPod as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    return { ...names(namespace, name, container), 'k8s.pod.uid': uid, 'k8s.container.restart_count': restarts };
  }
  const linked = link.exec(path);
  if (linked) {
    const [, name, namespace, container, id] = linked as unknown as [string, string, string, string, string];
    return { ...names(namespace, name, container), 'container.id': id };
  }
  const id = docker.exec(path)?.[1];
  return id === undefined ? {} : { 'container.id': id };
}

function names(namespace: string, name: string, container: string): Attributes {
  return { 'k8s.namespace.name': namespace, 'k8s.pod.name': name, 'k8s.container.name': container };
}
