import { ApiError, unknownEntity } from './apiError.ts';
import { type Answer, type Call, type Commands, ownedListParameters } from './command.ts';
import type { Account } from './model.ts';
import { domainId, type Site } from './site.ts';

interface Tagged {
  id: string;
  account: Account;
  tags: Map<string, string>;
}

/** Key and value pairs on resources. */
export const tagCommands: Commands = {
  createTags: {
    kind: 'async',
    description: 'Creates tags on resources; a key that a resource has is an error',
    parameters: {
      resourceids: { type: 'list', required: true },
      resourcetype: { type: 'string', required: true },
      tags: { type: 'map', required: true },
    },
    start: (call) => {
      const pairs = Object.entries(call.parameters.pairs('tags'));
      const targets = targetsOf(call);
      return {
        instanceType: 'None',
        instanceId: targets[0]?.id ?? '',
        finish: async () => {
          for (const target of targets) {
            const taken = pairs.find(([key]) => target.tags.has(key));
            if (taken !== undefined) {
              throw new ApiError(
                'internal',
                `tag ${taken[0]} already on ${call.parameters.text('resourcetype')}`,
              );
            }
          }
          for (const target of targets) for (const [key, value] of pairs) target.tags.set(key, value);
          return { success: true };
        },
      };
    },
  },
  deleteTags: {
    kind: 'async',
    description: 'Deletes tags of resources; all of them where none is named',
    parameters: {
      resourceids: { type: 'list', required: true },
      resourcetype: { type: 'string', required: true },
      tags: { type: 'map' },
    },
    start: (call) => {
      const targets = targetsOf(call);
      const keys = call.parameters.records('tags').map(({ key = '' }) => key);
      return {
        instanceType: 'None',
        instanceId: targets[0]?.id ?? '',
        finish: async () => {
          for (const target of targets) {
            for (const key of keys.length > 0 ? keys : [...target.tags.keys()]) target.tags.delete(key);
          }
          return { success: true };
        },
      };
    },
  },
  listTags: {
    kind: 'list',
    item: 'tag',
    description: 'Lists tags',
    parameters: {
      ...ownedListParameters,
      resourceid: { type: 'string' },
      resourcetype: { type: 'string' },
      key: { type: 'string' },
      value: { type: 'string' },
    },
    run: (call) => {
      const asked = (name: string, value: string): boolean => (call.parameters.text(name) ?? value) === value;
      return Object.entries(taggable).flatMap(([type, things]) =>
        [...things(call.site).values()]
          .filter((thing) => call.site.sees(call, thing.account) && asked('resourceid', thing.id))
          .flatMap((thing) => tagAnswers(thing, type))
          .filter(
            (tag) =>
              asked('key', String(tag.key)) &&
              asked('value', String(tag.value)) &&
              (call.parameters.text('resourcetype') ?? type).toLowerCase() === type.toLowerCase(),
          ),
      );
    },
  },
};

const taggable: Record<string, (site: Site) => ReadonlyMap<string, Tagged>> = {
  Volume: (site) => site.volumes,
  UserVm: (site) => site.vms,
  Snapshot: (site) => site.snapshots,
  Network: (site) => site.networks,
};

/** The tags of a thing, as they stand beside it in every list. */
export function tagAnswers(thing: Tagged, resourceType: string): Answer[] {
  return [...thing.tags].map(([key, value]) => ({
    key,
    value,
    resourcetype: resourceType,
    resourceid: thing.id,
    account: thing.account.name,
    domainid: domainId,
    domain: 'ROOT',
  }));
}

function targetsOf(call: Call): Tagged[] {
  const type = call.parameters.require('resourcetype');
  const things = Object.entries(taggable).find(([name]) => name.toLowerCase() === type.toLowerCase())?.[1];
  if (things === undefined) throw new ApiError('parameter', `Invalid resource type: ${type}`);
  const ids = call.parameters.list('resourceids');
  if (ids.length === 0) throw unknownEntity(call.command, 'resourceids', '');
  return ids.map((id) => call.site.byId(things(call.site), call, 'resourceids', id));
}
