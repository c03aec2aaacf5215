import { randomUUID } from 'node:crypto';
import { Collector } from '../collector/collector.ts';
import { objectContent } from '../collector/property.ts';
import { type FindObject, type Selected, select } from '../collector/selection.ts';
import { ContainerView, ListView } from '../collector/view.ts';
import { type MethodCall, type Methods, sessionOf } from '../service/core.ts';
import { invalidArgument, notAuthenticated, notFound } from '../soap/fault.ts';
import { Reference, type VimValue, vim } from '../soap/value.ts';

/** Objects in one answer of RetrievePropertiesEx, where the client does not ask for less. */
const pageSize = 500;

export const collectorMethods: Methods = {
  CreateContainerView: (call) => {
    const session = sessionOf(call);
    const container = call.args.reference('container');
    if (container === undefined) throw invalidArgument('container');
    if (call.core.site.find(container.value) === undefined) throw notFound(container);
    const ref = new Reference('ContainerView', session.newName());
    const types = call.args.texts('type');
    session.add(
      new ContainerView(ref, call.core.site, container, types, call.args.flag('recursive') ?? false),
    );
    return ref;
  },
  CreateListView: (call) => {
    const session = sessionOf(call);
    const ref = new Reference('ListView', session.newName());
    session.add(new ListView(ref, call.args.references('obj')));
    return ref;
  },
  DestroyView: (call) => {
    sessionOf(call).remove(call.target.ref.value);
    return undefined;
  },
  RetrieveProperties: (call) => selected(call).map(({ object, paths }) => objectContent(object, paths)),
  RetrievePropertiesEx: (call) => {
    const wanted = call.args.data('options')?.number('maxObjects') ?? pageSize;
    return page(call, selected(call), Math.max(1, wanted));
  },
  ContinueRetrievePropertiesEx: (call) => {
    const token = call.args.text('token') ?? '';
    const rest = sessionOf(call).pages.get(token);
    if (rest === undefined) throw invalidArgument('token');
    sessionOf(call).pages.delete(token);
    return page(call, rest, pageSize);
  },
  CancelRetrievePropertiesEx: (call) => {
    if (!sessionOf(call).pages.delete(call.args.text('token') ?? '')) throw invalidArgument('token');
    return undefined;
  },
  CreatePropertyCollector: (call) => {
    const ref = new Reference('PropertyCollector', sessionOf(call).newName());
    sessionOf(call).add(new Collector(ref, call.core.site, sessionOf(call)));
    return ref;
  },
  DestroyPropertyCollector: (call) => {
    sessionOf(call).remove(call.target.ref.value);
    return undefined;
  },
  CreateFilter: (call) => {
    const spec = call.args.data('spec');
    if (spec === undefined) throw invalidArgument('spec');
    return collectorOf(call).addFilter(spec);
  },
  DestroyPropertyFilter: (call) => {
    sessionOf(call).remove(call.target.ref.value);
    return undefined;
  },
  WaitForUpdatesEx: (call) => {
    const options = call.args.data('options');
    const limits = {
      maxWaitSeconds: options?.number('maxWaitSeconds'),
      maxObjects: options?.number('maxObjectUpdates'),
    };
    return collectorOf(call).wait(call.args.text('version') ?? '', limits, call.signal);
  },
  WaitForUpdates: (call) => {
    const limits = { maxWaitSeconds: undefined, maxObjects: undefined };
    return collectorOf(call).wait(call.args.text('version') ?? '', limits, call.signal);
  },
  CheckForUpdates: (call) => {
    const limits = { maxWaitSeconds: 0, maxObjects: undefined };
    return collectorOf(call).wait(call.args.text('version') ?? '', limits, call.signal);
  },
  CancelWaitForUpdates: (call) => {
    collectorOf(call).cancel();
    return undefined;
  },
};

/** The session's own default collector is made when it is used first. */
function collectorOf(call: MethodCall): Collector {
  if (call.target instanceof Collector) return call.target;
  const session = sessionOf(call);
  const known = session.find(`default ${session.key}`);
  if (known instanceof Collector) return known;
  const made = new Collector(
    new Reference('PropertyCollector', `default ${session.key}`),
    call.core.site,
    session,
  );
  session.add(made);
  return made;
}

function selected(call: MethodCall): Selected[] {
  const find: FindObject = (value) => call.session?.find(value) ?? call.core.site.find(value);
  return call.args.dataList('specSet').flatMap((spec) => {
    for (const objectSpec of spec.dataList('objectSet')) {
      const ref = objectSpec.reference('obj');
      // Without a session there is only what tells how to log in.
      if (call.session === undefined && ref !== undefined && ref.type !== 'ServiceInstance') {
        throw notAuthenticated(ref);
      }
    }
    return select(spec, find);
  });
}

/** Values are read when their page is asked for, so that ten thousand VMs keep nobody waiting. */
function page(call: MethodCall, objects: readonly Selected[], size: number): VimValue | undefined {
  if (objects.length === 0) return undefined;
  const contents = objects.slice(0, size).map(({ object, paths }) => objectContent(object, paths));
  const rest = objects.slice(size);
  if (rest.length === 0) return vim('RetrieveResult', { objects: contents });
  const token = randomUUID();
  sessionOf(call).pages.set(token, rest);
  return vim('RetrieveResult', { token, objects: contents });
}
