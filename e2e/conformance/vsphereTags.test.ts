import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MoRef } from '../../appliance-agent/src/contract/index.ts';
import { VsphereClient } from '../../appliance-agent/src/vsphere/client.ts';
import { type VsphereServer, vsphereServers } from './vsphereServers.ts';

describe.each(vsphereServers)('tags at $name', ({ missing, start }) => {
  describe.skipIf(missing !== undefined)(missing ?? 'are read', () => {
    let server: VsphereServer;
    let client: VsphereClient;
    let tagged: MoRef;
    let others: MoRef[];

    beforeAll(async () => {
      server = await start();
      client = await VsphereClient.connect({
        url: server.url,
        fingerprint: await server.fingerprint(),
        credentials: async () => ({ username: server.username, password: server.password }),
      });
      const { vms } = await client.inventory();
      const named = vms.find(({ name }) => name === server.inventory.vm.name);
      if (!named) throw new Error('The known VM is not there');
      tagged = named.moRef;
      others = vms.map(({ moRef }) => moRef).filter((moRef) => moRef !== tagged);
      if (!server.lab) await attachTags(server, tagged, ['Tier: gold', 'Owner: a/b & c']);
    });
    afterAll(async () => {
      await client?.close();
      await server?.[Symbol.asyncDispose]();
    });

    test('with their categories, of those VMs that have any', async () => {
      const tags = await client.tagsOf([...others, tagged]);
      expect([...tags]).toEqual([[tagged, ['Owner: a/b & c', 'Tier: gold']]]);
    });

    test('with the inventory', async () => {
      const { vms } = await client.inventory();
      expect(vms.filter((vm) => vm.tags.length > 0).map(({ moRef, tags }) => [moRef, tags])).toEqual([
        [tagged, ['Owner: a/b & c', 'Tier: gold']],
      ]);
    });
  });
});

/** Tags a VM by the REST interface that vSphere has from 6.5 on. */
async function attachTags(
  { origin, username, password }: VsphereServer,
  vm: MoRef,
  tags: readonly string[],
): Promise<void> {
  const post = async (path: string, body: unknown, headers: Record<string, string>): Promise<string> => {
    const asked = request(`${origin}/rest/com/vmware/cis/${path}`, {
      method: 'POST',
      rejectUnauthorized: false,
      headers: { 'content-type': 'application/json', ...headers },
    });
    asked.end(JSON.stringify(body));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const said = await text(answer);
    if ((answer.statusCode ?? 500) >= 300) throw new Error(`${path}: ${answer.statusCode} ${said}`);
    return said === '' ? '' : Object(JSON.parse(said)).value;
  };
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const session = await post('session', {}, { authorization: `Basic ${basic}` });
  const headers = { 'vmware-api-session-id': session };
  for (const tag of tags) {
    const [category, name] = tag.split(': ');
    const described = { description: '', name: category };
    const spec = { ...described, cardinality: 'MULTIPLE', associable_types: [] };
    const categoryId = await post('tagging/category', { create_spec: spec }, headers);
    const create = { name, description: '', category_id: categoryId };
    const tagId = await post('tagging/tag', { create_spec: create }, headers);
    const object = { id: vm, type: 'VirtualMachine' };
    await post(`tagging/tag-association/id:${tagId}?~action=attach`, { object_id: object }, headers);
  }
}
