/** The assignments of a file such as `ifcfg-eth0`, which shells read; later ones count. */
export function parseShellVariables(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, double, single, bare] =
      /^\s*(?:export\s+)?([A-Za-z_]\w*)=(?:"([^"]*)"|'([^']*)'|([^\s#'"]*))/.exec(line) ?? [];
    if (name !== undefined) variables.set(name, double ?? single ?? bare ?? '');
  }
  return variables;
}

/** Assignments; undefined values are left out. Values are in double quotes where a shell would split them. */
export function renderShellVariables(
  pairs: readonly (readonly [string, string | number | undefined])[],
): string {
  return pairs
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const text = String(value);
      return `${name}=${/^[\w.:/-]*$/.test(text) ? text : JSON.stringify(text)}\n`;
    })
    .join('');
}

/** The text without the assignments of some names. */
export function withoutVariables(text: string, names: readonly string[]): string {
  const assignment = new RegExp(`^\\s*(?:export\\s+)?(?:${names.join('|')})=`);
  return text
    .split('\n')
    .filter((line) => !assignment.test(line))
    .join('\n');
}
