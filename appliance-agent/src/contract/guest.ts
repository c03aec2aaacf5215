import { z } from 'zod';

/** The bus that a converted guest finds its disks on. */
export const ConversionBus = z.enum(['virtio-blk', 'virtio-scsi']);
export type ConversionBus = z.infer<typeof ConversionBus>;

const Prefix = z.number().int().min(0).max(128);

const InterfaceAddress = z
  .object({
    /** IPv4 or IPv6, without a prefix. */
    address: z.union([z.ipv4(), z.ipv6()]),
    prefix: Prefix,
  })
  .refine(({ address, prefix }) => address.includes(':') || prefix <= 32, {
    path: ['prefix'],
    error: 'an IPv4 prefix is 32 at most',
  });

/** The static addresses of one network adapter, as they are to be written into the guest. */
export const StaticAddress = z.object({
  /** Of the adapter that the target VM has, which the guest will find it by. */
  mac: z
    .string()
    .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'expected six hex bytes with colons')
    .toLowerCase(),
  addresses: z.array(InterfaceAddress).min(1),
  /** The way to everywhere else over IPv4; need not lie in the subnet of an address. */
  gateway: z.ipv4().optional(),
  /** The same for IPv6. */
  gateway6: z.ipv6().optional(),
  nameservers: z.array(z.union([z.ipv4(), z.ipv6()])),
  searchDomains: z.array(z.hostname()).default([]),
});
export type StaticAddress = z.infer<typeof StaticAddress>;
