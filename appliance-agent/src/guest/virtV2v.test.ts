import { describe, expect, it } from 'vitest';
import { conversionFraction, conversionParameters, findVirtV2v, parseEvent } from './virtV2v.ts';

const tool = { program: 'virt-v2v-in-place', version: '2.2.0', blockDriverOption: false };
const common = {
  bus: 'virtio-scsi',
  root: '/dev/sdb3',
  addressParameters: [],
  xmlPath: '/w/domain.xml',
} as const;

describe('virt-v2v', () => {
  it('is told root and domain, and the bus where it knows the option', () => {
    expect(conversionParameters({ ...common, tool })).toEqual([
      '--machine-readable=fd:3',
      '--root',
      '/dev/sdb3',
      '-i',
      'libvirtxml',
      '/w/domain.xml',
    ]);
    expect(conversionParameters({ ...common, tool: { ...tool, blockDriverOption: true } })).toEqual(
      expect.arrayContaining(['--block-driver', 'virtio-scsi']),
    );
  });

  it('tells what it does as JSON', () => {
    // As virt-v2v-in-place 2.2.0 wrote it.
    const line =
      '{ "message": "Opening the source", "timestamp": "2026-11-26T21:18:54.647247411+00:00", "type": "message" }';
    expect(parseEvent(line)).toEqual({ message: 'Opening the source', type: 'message' });
    expect(parseEvent('[   2.1] Opening the source')).toBeUndefined();
    expect(parseEvent('{"message": "x", "type": "news"}')).toBeUndefined();
  });

  it('goes forward with each thing that it says', () => {
    const said = [
      'Setting up the source: -i libvirtxml dom.xml',
      'Opening the source',
      'Inspecting the source',
      'Checking for sufficient free disk space in the guest',
      'Converting Debian GNU/Linux 12 (bookworm) to run on KVM',
      'Mapping filesystem data to avoid copying unused and blank areas',
      'Closing the overlay',
      'Finishing off',
    ];
    const fractions = said.map((message) => conversionFraction(message) ?? Number.NaN);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(new Set(fractions).size).toBe(said.length);
    expect(conversionFraction('Assigning disks to buses')).toBeUndefined();
  });

  it('is missed with a remedy', async () => {
    await expect(findVirtV2v('/nowhere/virt-v2v-in-place')).rejects.toMatchObject({
      code: 'guest.tool-missing',
      remedy: expect.stringContaining('OSSEA_VIRT_V2V'),
    });
  });
});
