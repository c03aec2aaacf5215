import { type ManagedObject, readReference, reference } from './managedObject.ts';
import type { SoapSession } from './soapSession.ts';
import { child, children, text, type XmlInput, type XmlValue } from './xml.ts';

/** Properties of one object, by path. */
export interface ObjectProperties {
  readonly object: ManagedObject;
  readonly properties: ReadonlyMap<string, XmlValue>;
}

/** So many objects per answer: large enough to be quick, small enough for the server's limits. */
const pageObjects = 500;

function readObjects(contents: readonly XmlValue[]): ObjectProperties[] {
  return contents.flatMap((content) => {
    const object = readReference(child(content, 'obj'));
    if (!object) return [];
    const properties = new Map<string, XmlValue>();
    for (const set of children(content, 'propSet')) {
      const name = text(set, 'name');
      const value = child(set, 'val');
      if (name !== undefined && value !== undefined) properties.set(name, value);
    }
    return [{ object, properties }];
  });
}

/** Goes through the pages of an answer; each is read and let go before the next is asked for. */
async function retrieve<T>(
  session: SoapSession,
  collector: ManagedObject,
  specSet: XmlInput,
  read: (found: ObjectProperties) => T | undefined,
  signal: AbortSignal | undefined,
): Promise<T[]> {
  const results: T[] = [];
  let page = await session.call(
    'RetrievePropertiesEx',
    collector,
    { specSet, options: { maxObjects: pageObjects } },
    signal,
  );
  for (;;) {
    for (const object of readObjects(children(page, 'objects'))) {
      const result = read(object);
      if (result !== undefined) results.push(result);
    }
    const token = text(page, 'token');
    if (token === undefined || token === '') return results;
    page = await session.call('ContinueRetrievePropertiesEx', collector, { token }, signal);
  }
}

/** Reads properties of one object. @throws OsseaError `vsphere.not-found` where it is gone */
export async function readProperties(
  session: SoapSession,
  collector: ManagedObject,
  object: ManagedObject,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, XmlValue>> {
  const specSet = {
    propSet: { type: object.type, pathSet: [...paths] },
    objectSet: { obj: reference(object), skip: false },
  };
  const [found] = await retrieve(session, collector, specSet, ({ properties }) => properties, signal);
  return found ?? new Map();
}

/**
 * Reads properties of all objects of some types below a container, by a view that lives as long as the reading. Where the session
 * ends in between, it is read from the start.
 * @param read makes of an object what is kept of it, or nothing
 */
export function readAllBelow<T>(
  session: SoapSession,
  services: { readonly collector: ManagedObject; readonly viewManager: ManagedObject },
  container: ManagedObject,
  wanted: Readonly<Record<string, readonly string[]>>,
  read: (found: ObjectProperties) => T | undefined,
  signal?: AbortSignal,
): Promise<T[]> {
  return session.withinSession(async () => {
    const members = { container: reference(container), type: Object.keys(wanted), recursive: true };
    const view = readReference(
      await session.call('CreateContainerView', services.viewManager, members, signal),
    );
    if (!view) return [];
    try {
      return await retrieve(session, services.collector, specOfView(view, wanted), read, signal);
    } finally {
      // A view that cannot be destroyed ends with the session.
      await session.call('DestroyView', view).catch(() => undefined);
    }
  });
}

function specOfView(view: ManagedObject, wanted: Readonly<Record<string, readonly string[]>>): XmlInput {
  const selectSet = {
    '@xsi:type': 'TraversalSpec',
    name: 'view',
    type: 'ContainerView',
    path: 'view',
    skip: false,
  };
  return {
    propSet: Object.entries(wanted).map(([type, paths]) => ({ type, pathSet: [...paths] })),
    objectSet: { obj: reference(view), skip: true, selectSet },
  };
}
