const longestName = 63;

/** The VM's name as CloudStack takes it: a host name of RFC 1123 that begins with a letter, 63 characters at most. */
export function suggestTargetName(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-zA-Z0-9]+/g, '-')
    .replace(/^-+/, '');
  const lettered = /^[a-zA-Z]/.test(plain) ? plain : `vm-${plain}`;
  return lettered.slice(0, longestName).replace(/-+$/, '');
}

/** What speaks against a name, in words; undefined where CloudStack takes it. */
export function targetNameProblem(name: string): string | undefined {
  if (name === '') return 'Give it a name';
  if (name.length > longestName) return `At most ${longestName} characters`;
  if (!/^[a-zA-Z]/.test(name)) return 'Begin with a letter';
  if (!/^[a-zA-Z0-9-]*[a-zA-Z0-9]$/.test(name)) return 'Letters, digits and hyphens only';
  return undefined;
}
