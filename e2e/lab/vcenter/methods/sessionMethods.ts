import { aboutInfo } from '../inventory/host.ts';
import { type Methods, sessionOf } from '../service/core.ts';
import { invalidArgument } from '../soap/fault.ts';
import { Reference, vim } from '../soap/value.ts';

/** The managers' references; a vCenter gives them plain names. */
export const managers = {
  propertyCollector: new Reference('PropertyCollector', 'propertyCollector'),
  viewManager: new Reference('ViewManager', 'ViewManager'),
  sessionManager: new Reference('SessionManager', 'SessionManager'),
  authorizationManager: new Reference('AuthorizationManager', 'AuthorizationManager'),
  searchIndex: new Reference('SearchIndex', 'SearchIndex'),
  taskManager: new Reference('TaskManager', 'TaskManager'),
  eventManager: new Reference('EventManager', 'EventManager'),
  customFieldsManager: new Reference('CustomFieldsManager', 'CustomFieldsManager'),
  fileManager: new Reference('FileManager', 'FileManager'),
  virtualDiskManager: new Reference('VirtualDiskManager', 'virtualDiskManager'),
} as const;

export const sessionMethods: Methods = {
  RetrieveServiceContent: ({ core }) =>
    vim('ServiceContent', {
      rootFolder: core.places.rootFolder.ref,
      about: aboutInfo('VirtualCenter', core.instanceUuid),
      ...managers,
    }),
  CurrentTime: () => new Date(),
  Login: ({ core, args, setSession }) => {
    const session = core.sessions.login(args.text('userName') ?? '', args.text('password') ?? '');
    setSession(session);
    return session.toUserSession();
  },
  CloneSession: ({ core, args, setSession }) => {
    const session = core.sessions.clone(args.text('cloneTicket') ?? '');
    setSession(session);
    return session.toUserSession();
  },
  Logout: (call) => {
    call.core.sessions.end(sessionOf(call));
    call.setSession(undefined);
    return undefined;
  },
  SetLocale: () => undefined,
  SessionIsActive: ({ core, args }) =>
    core.sessions.all.some(
      ({ key, username }) => key === args.text('sessionID') && username === args.text('userName'),
    ),
  TerminateSession: (call) => {
    for (const key of call.args.texts('sessionId')) {
      const session = call.core.sessions.all.find((each) => each.key === key);
      // A session cannot end itself this way.
      if (session === undefined || session === call.session) throw invalidArgument('sessionId');
      call.core.sessions.end(session);
    }
    return undefined;
  },
  AcquireCloneTicket: (call) => call.core.sessions.cloneTicket(sessionOf(call)),
  AcquireGenericServiceTicket: ({ core, args }) => {
    const spec = args.data('spec');
    const url = spec?.text('url');
    if (url === undefined || !URL.canParse(url)) throw invalidArgument('spec.url');
    return vim('SessionManagerGenericServiceTicket', {
      id: core.sessions.urlTicket(url, spec?.text('method') ?? 'httpGet'),
      hostName: core.authority,
      sslThumbprint: core.thumbprint,
    });
  },
  RetrieveEntityPermissions: (call) => [
    vim('Permission', {
      entity: call.core.places.rootFolder.ref,
      principal: sessionOf(call).username,
      group: false,
      roleId: -1,
      propagate: true,
    }),
  ],
  HasPrivilegeOnEntities: ({ core, args }) =>
    args.references('entity').map((entity) =>
      vim('EntityPrivilege', {
        entity,
        privAvailability: args.texts('privId').map((privId) =>
          vim('PrivilegeAvailability', {
            privId,
            isGranted: !core.site.faults.deniedPrivileges.includes(privId),
          }),
        ),
      }),
    ),
  HasUserPrivilegeOnEntities: ({ core, args }) =>
    args.references('entities').map((entity) =>
      vim('EntityPrivilege', {
        entity,
        privAvailability: args.texts('privId').map((privId) =>
          vim('PrivilegeAvailability', {
            privId,
            isGranted: !core.site.faults.deniedPrivileges.includes(privId),
          }),
        ),
      }),
    ),
  FetchUserPrivilegeOnEntities: ({ core, args }) =>
    args.references('entities').map((entity) =>
      vim('UserPrivilegeResult', {
        entity,
        privileges: knownPrivileges.filter(
          (privilege) => !core.site.faults.deniedPrivileges.includes(privilege),
        ),
      }),
    ),
};

/** Those that migrations ask about, of the many that there are. */
export const knownPrivileges: readonly string[] = [
  'System.Anonymous',
  'System.View',
  'System.Read',
  'Sessions.ValidateSession',
  'Sessions.TerminateSession',
  'Datastore.Browse',
  'Datastore.FileManagement',
  'Datastore.AllocateSpace',
  'Network.Assign',
  'Global.Licenses',
  'Global.DisableMethods',
  'Global.EnableMethods',
  'Cryptographer.Access',
  'Cryptographer.Decrypt',
  'VApp.Export',
  'VirtualMachine.Config.AddExistingDisk',
  'VirtualMachine.Config.AddNewDisk',
  'VirtualMachine.Config.AdvancedConfig',
  'VirtualMachine.Config.ChangeTracking',
  'VirtualMachine.Config.CPUCount',
  'VirtualMachine.Config.DiskExtend',
  'VirtualMachine.Config.DiskLease',
  'VirtualMachine.Config.EditDevice',
  'VirtualMachine.Config.Memory',
  'VirtualMachine.Config.RemoveDisk',
  'VirtualMachine.Config.Rename',
  'VirtualMachine.Config.Resource',
  'VirtualMachine.Config.Settings',
  'VirtualMachine.GuestOperations.Execute',
  'VirtualMachine.GuestOperations.Modify',
  'VirtualMachine.GuestOperations.Query',
  'VirtualMachine.Interact.PowerOff',
  'VirtualMachine.Interact.PowerOn',
  'VirtualMachine.Interact.Reset',
  'VirtualMachine.Interact.Suspend',
  'VirtualMachine.Provisioning.DiskRandomAccess',
  'VirtualMachine.Provisioning.DiskRandomRead',
  'VirtualMachine.Provisioning.GetVmFiles',
  'VirtualMachine.State.CreateSnapshot',
  'VirtualMachine.State.RemoveSnapshot',
  'VirtualMachine.State.RenameSnapshot',
  'VirtualMachine.State.RevertToSnapshot',
];
