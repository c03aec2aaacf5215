import { type GuestEdit, type GuestFile, ourMark } from './guestEdit.ts';
import type { GuestNic } from './guestNic.ts';

/**
 * The place of such rules since udev had any: Debian's and Red Hat's initial RAM disks take it along, and systemd leaves a name alone that a
 * rule gave before its own.
 */
export const nameRulesPath = '/etc/udev/rules.d/70-persistent-net.rules';

/**
 * Names for adapters whose configuration goes by name: the one that an adapter had on the source, so that firewall rules and services
 * that know it go on working; else `lan0`, `lan1` and so on. The kernel's own names (`eth0`) are not given again, as they collide while
 * adapters appear in another order.
 */
export function interfaceNames(
  nics: readonly GuestNic[],
  before: ReadonlyMap<GuestNic, string>,
): Map<GuestNic, string> {
  const names = new Map<GuestNic, string>();
  const taken = new Set<string>();
  for (const nic of nics) {
    const old = before.get(nic);
    if (old === undefined || /^eth\d/.test(old) || taken.has(old)) continue;
    names.set(nic, old);
    taken.add(old);
  }
  let next = 0;
  for (const nic of nics) {
    if (names.has(nic)) continue;
    while (taken.has(`lan${next}`)) next += 1;
    names.set(nic, `lan${next}`);
    taken.add(`lan${next}`);
  }
  return names;
}

/** Rules that give each adapter its name by its MAC: udev(7). */
export function renderNameRules(names: ReadonlyMap<GuestNic, string>): string {
  const rules = [...names].map(
    ([{ mac }, name]) =>
      `SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="${mac}", ATTR{type}=="1", NAME="${name}"\n`,
  );
  return `${ourMark}\n${rules.join('')}`;
}

/** The edit that writes the rules. Those of before stay where they speak of other adapters and other names. */
export function nameRulesEdit(names: ReadonlyMap<GuestNic, string>, files: readonly GuestFile[]): GuestEdit {
  const macs = new Set([...names.keys()].flatMap(({ mac, source }) => [mac, source?.mac?.toLowerCase()]));
  const given = new Set(names.values());
  const kept = parseRules(files)
    .filter(({ mac, name }) => !macs.has(mac) && !given.has(name))
    .map(({ line }) => `${line}\n`);
  return {
    kind: 'write',
    path: nameRulesPath,
    text: renderNameRules(names) + kept.join(''),
    mode: 0o644,
  };
}

/** Which interface each MAC had by the rules of before. */
export function namesByMac(files: readonly GuestFile[]): Map<string, string> {
  return new Map(parseRules(files).map(({ mac, name }) => [mac, name]));
}

function parseRules(files: readonly GuestFile[]): { line: string; mac: string; name: string }[] {
  const rules = files.find(({ path }) => path === nameRulesPath)?.text ?? '';
  return rules.split('\n').flatMap((line) => {
    const mac = /ATTRS?\{address\}=="([^"]+)"/.exec(line)?.[1];
    const name = /NAME="([^"]+)"/.exec(line)?.[1];
    return mac && name && !line.trimStart().startsWith('#') ? [{ line, mac: mac.toLowerCase(), name }] : [];
  });
}
