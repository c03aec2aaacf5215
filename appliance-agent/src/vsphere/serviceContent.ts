import { type Inventory, OsseaError } from '../contract/index.ts';
import { type ManagedObject, managedObject } from './managedObject.ts';
import { text, type XmlNode } from './xml.ts';

/** What of `RetrieveServiceContent` the client uses. */
export interface ServiceContent {
  readonly about: Inventory['about'];
  readonly rootFolder: ManagedObject;
  readonly collector: ManagedObject;
  readonly viewManager: ManagedObject;
  readonly searchIndex: ManagedObject;
  readonly authorizationManager: ManagedObject | undefined;
}

/** @throws OsseaError `vsphere.protocol` for a server that lacks what every vSphere has */
export function readContent(content: XmlNode): ServiceContent {
  const need = (name: string, type: string): ManagedObject => {
    const value = text(content, name);
    if (value) return managedObject(type, value);
    throw new OsseaError('vsphere.protocol', `The server has no ${name}.`, {
      remedy: 'Give the address of a vCenter or ESXi host, such as https://vcenter.example/sdk.',
    });
  };
  const authorizationManager = text(content, 'authorizationManager');
  const apiType = text(content, 'about', 'apiType') === 'HostAgent' ? 'HostAgent' : 'VirtualCenter';
  return {
    about: {
      instanceUuid: text(content, 'about', 'instanceUuid') ?? '',
      apiType,
      fullName: text(content, 'about', 'fullName') ?? '',
      version: text(content, 'about', 'version') ?? '',
      build: text(content, 'about', 'build') ?? '',
    },
    rootFolder: need('rootFolder', 'Folder'),
    collector: need('propertyCollector', 'PropertyCollector'),
    viewManager: need('viewManager', 'ViewManager'),
    searchIndex: need('searchIndex', 'SearchIndex'),
    authorizationManager: authorizationManager
      ? managedObject('AuthorizationManager', authorizationManager)
      : undefined,
  };
}
