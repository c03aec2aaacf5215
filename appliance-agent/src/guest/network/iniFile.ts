/** A section of an INI file as NetworkManager and systemd write it; names may come several times. */
export interface IniSection {
  readonly name: string;
  readonly entries: readonly { readonly key: string; readonly value: string }[];
}

/** Reads an INI file. What is neither a section nor an entry is left out. */
export function parseIni(text: string): IniSection[] {
  const sections: { name: string; entries: { key: string; value: string }[] }[] = [];
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[([^\]]+)\]\s*$/.exec(line)?.[1];
    if (section !== undefined) {
      sections.push({ name: section, entries: [] });
      continue;
    }
    const [, key, value] = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) sections.at(-1)?.entries.push({ key, value });
  }
  return sections;
}

/** All values of a key in the sections of a name, in their order. */
export function iniValues(
  sections: readonly IniSection[],
  names: readonly string[],
  key: string | RegExp,
): string[] {
  return sections
    .filter(({ name }) => names.includes(name))
    .flatMap(({ entries }) => entries)
    .filter((entry) => (typeof key === 'string' ? entry.key === key : key.test(entry.key)))
    .map(({ value }) => value);
}

/** Writes sections; those without entries are left out. */
export function renderIni(sections: readonly IniSection[]): string {
  return sections
    .filter(({ entries }) => entries.length > 0)
    .map(({ name, entries }) =>
      [`[${name}]`, ...entries.map(({ key, value }) => `${key}=${value}`), ''].join('\n'),
    )
    .join('\n');
}

/** Entries out of pairs; undefined values are left out, lists give an entry each. */
export function iniEntries(
  pairs: readonly (readonly [string, string | readonly string[] | undefined])[],
): IniSection['entries'] {
  return pairs.flatMap(([key, value]) => {
    const values = value === undefined ? [] : typeof value === 'string' ? [value] : value;
    return values.map((each) => ({ key, value: each }));
  });
}
