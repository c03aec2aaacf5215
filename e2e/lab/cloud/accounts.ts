import {
  type Answer,
  type Call,
  type Commands,
  domainListParameters,
  listParameters,
  ownedListParameters,
} from './command.ts';
import { limitsOf, resources, usageOf } from './limits.ts';
import { passes } from './listing.ts';
import type { Account } from './model.ts';
import { domainId, type Site } from './site.ts';

/** Who calls, what they may have, and what happened. */
export const accountCommands: Commands = {
  listAccounts: {
    kind: 'list',
    item: 'account',
    description: 'Lists accounts with their limits and usage',
    parameters: { ...domainListParameters, id: { type: 'uuid' }, name: { type: 'string' } },
    run: (call) =>
      visible(call).map((account) => ({
        id: account.id,
        name: account.name,
        accounttype: account.admin ? 1 : 0,
        roletype: account.admin ? 'Admin' : 'User',
        rolename: account.admin ? 'Root Admin' : 'User',
        domainid: domainId,
        domain: 'ROOT',
        state: 'enabled',
        isdefault: false,
        ...limitAnswers(call.site, account),
        user: [userAnswer(account)],
      })),
  },
  listUsers: {
    kind: 'list',
    item: 'user',
    description: 'Lists users',
    parameters: { ...ownedListParameters, id: { type: 'uuid' }, username: { type: 'string' } },
    run: (call) => {
      const name = call.parameters.text('username');
      return visible(call, (account) => ({ ...account, id: account.userId }))
        .filter((account) => (name ?? account.userName) === account.userName)
        .map(userAnswer);
    },
  },
  listDomains: {
    kind: 'list',
    item: 'domain',
    description: 'Lists domains',
    parameters: { ...listParameters, id: { type: 'uuid' }, name: { type: 'string' } },
    run: (call) => {
      const domain = { id: domainId, name: 'ROOT' };
      return passes(call.site, call, domain)
        ? [{ ...domain, level: 0, haschild: false, path: 'ROOT', state: 'Active' }]
        : [];
    },
  },
  listResourceLimits: {
    kind: 'list',
    item: 'resourcelimit',
    description: 'Lists resource limits',
    parameters: {
      ...ownedListParameters,
      resourcetype: { type: 'integer' },
      resourcetypename: { type: 'string' },
    },
    run: (call) => {
      const type = call.parameters.integer('resourcetype');
      const name = call.parameters.text('resourcetypename');
      const limits = limitsOf(call.site, call.account);
      return resources
        .filter(
          (resource) =>
            (type ?? resource.type) === resource.type && (name ?? resource.name) === resource.name,
        )
        .map((resource) => ({
          account: call.account.name,
          domainid: domainId,
          domain: 'ROOT',
          resourcetype: String(resource.type),
          resourcetypename: resource.name,
          max: limits[resource.limit],
        }));
    },
  },
  listEvents: {
    kind: 'list',
    item: 'event',
    description: 'Lists what happened, newest first',
    parameters: {
      ...ownedListParameters,
      type: { type: 'string' },
      resourceid: { type: 'string' },
      resourcetype: { type: 'string' },
    },
    run: (call) => {
      const type = call.parameters.text('type');
      const resourceId = call.parameters.text('resourceid');
      return call.site.events
        .filter(
          (event) =>
            call.site.sees(call, event.account) &&
            (type ?? event.type) === event.type &&
            (resourceId ?? event.resourceId) === event.resourceId,
        )
        .map((event) => ({
          id: event.id,
          username: event.account.userName,
          account: event.account.name,
          domainid: domainId,
          domain: 'ROOT',
          type: event.type,
          level: 'INFO',
          description: event.text,
          resourceid: event.resourceId,
          state: 'Completed',
          archived: false,
          created: event.created,
        }))
        .reverse();
    },
  },
};

function visible(call: Call, as: (account: Account) => Account = (account) => account): Account[] {
  return call.site.accounts
    .filter((account) => call.site.sees(call, account))
    .map(as)
    .filter((account) => passes(call.site, { ...call, account }, account));
}

function userAnswer(account: Account): Answer {
  return {
    id: account.userId,
    username: account.userName,
    firstname: account.userName,
    lastname: 'Lab',
    state: 'enabled',
    account: account.name,
    accountid: account.id,
    accounttype: account.admin ? 1 : 0,
    roletype: account.admin ? 'Admin' : 'User',
    rolename: account.admin ? 'Root Admin' : 'User',
    domainid: domainId,
    domain: 'ROOT',
    isdefault: false,
  };
}

/** `volumelimit`, `volumetotal`, `volumeavailable` and so on; limits are texts, totals numbers. */
function limitAnswers(site: Site, account: Account): Answer {
  const limits = limitsOf(site, account);
  const used = usageOf(site, account);
  const vms = [...site.vms.values()].filter((vm) => vm.account === account);
  return Object.assign(
    {
      vmrunning: vms.filter((vm) => vm.state === 'Running').length,
      vmstopped: vms.filter((vm) => vm.state === 'Stopped').length,
    },
    ...resources.map(({ limit, account: name }) => ({
      [`${name}limit`]: limits[limit] < 0 ? 'Unlimited' : String(limits[limit]),
      [`${name}total`]: used[limit],
      [`${name}available`]:
        limits[limit] < 0 ? 'Unlimited' : String(Math.max(0, limits[limit] - used[limit])),
    })),
  );
}
