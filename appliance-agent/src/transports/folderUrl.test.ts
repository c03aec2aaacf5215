import { expect, test } from 'vitest';
import { datacenterPath, flatFileName, folderPath, parseDatastorePath } from './folderUrl.ts';

test('pitfall RHEL-133729: “+”, spaces and other signs in names are percent-encoded, each segment for itself', () => {
  const file = parseDatastorePath('[ds +1] a b/c+d/näme & co.vmdk');
  expect(folderPath(file, 'cust & co/DC 0')).toBe(
    '/folder/a%20b/c%2Bd/n%C3%A4me%20%26%20co.vmdk?dcPath=cust%20%26%20co%2FDC%200&dsName=ds%20%2B1',
  );
});

test.each([
  ['web.vmdk', 'web-flat.vmdk'],
  ['web_1.VMDK', 'web_1-flat.vmdk'],
  ['web-flat.vmdk', 'web-flat.vmdk'],
])('the bytes of %s are in %s', (descriptor, flat) => {
  expect(flatFileName(descriptor)).toBe(flat);
});

test.each([
  ['VirtualCenter', '/DC0/vm/prod/web-1', 'DC0', 'DC0'],
  ['VirtualCenter', '/customers/DC0/vm/web-1', undefined, 'customers/DC0'],
  ['VirtualCenter', '/vm/DC0/vm/vm/web-1', 'DC0', 'vm/DC0'],
  ['VirtualCenter', '/a/vm/vm/DC0/vm/web-1', 'DC0', 'a/vm/vm/DC0'],
  ['VirtualCenter', 'web-1', 'DC0', 'DC0'],
  ['HostAgent', '/ha-datacenter/vm/web-1', 'ha-datacenter', 'ha-datacenter'],
] as const)('%s: the datacenter of %s is found', (apiType, vmPath, datacenterName, expected) => {
  expect(datacenterPath({ apiType, vmPath, datacenterName })).toBe(expected);
});

test('what is no datastore path is refused', () => {
  expect(() => parseDatastorePath('web/web.vmdk')).toThrowError(
    expect.objectContaining({ code: 'request.invalid' }),
  );
});
