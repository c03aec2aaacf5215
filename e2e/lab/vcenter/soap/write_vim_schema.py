#!/usr/bin/python3
"""Writes vimSchema.generated.ts: the part of the vSphere API's type system that the lab's vCenter speaks.

Taken from pyVmomi's declarations (Debian's python3-pyvmomi, Apache-2.0), so that element order and types are the real ones.
Run with no arguments after changing the lists below.
"""
import os
import re

import pyVmomi

MANAGED = """ManagedEntity ExtensibleManagedObject ServiceInstance SessionManager PropertyCollector PropertyFilter ViewManager View
ManagedObjectView ContainerView ListView SearchIndex VirtualMachine VirtualMachineSnapshot Task TaskManager Folder Datacenter
ComputeResource ClusterComputeResource HostSystem ResourcePool Network OpaqueNetwork DistributedVirtualPortgroup
DistributedVirtualSwitch VmwareDistributedVirtualSwitch Datastore AuthorizationManager HttpNfcLease CustomFieldsManager
FileManager EventManager OptionManager LicenseManager TaskHistoryCollector VirtualDiskManager""".split()

DATA = """DynamicData DynamicProperty KeyAnyValue LocalizableMessage AboutInfo ServiceContent UserSession
SessionManagerHttpServiceRequestSpec SessionManagerGenericServiceTicket
PropertyFilterSpec PropertySpec ObjectSpec SelectionSpec TraversalSpec RetrieveOptions RetrieveResult ObjectContent
MissingProperty MissingObject WaitOptions UpdateSet PropertyFilterUpdate ObjectUpdate PropertyChange
TaskInfo TaskReason TaskReasonUser LocalizedMethodFault Description ElementDescription TypeDescription TaskDescription
Permission EntityPrivilege PrivilegeAvailability UserPrivilegeResult AuthorizationPrivilege AuthorizationRole
CustomFieldDef CustomFieldValue CustomFieldStringValue Tag AlarmState ManagedEntityStatus Event
VirtualMachineCapability VirtualMachineConfigInfo VirtualHardware VirtualMachineBootOptions VirtualMachineFlagInfo
VirtualMachineBootOptionsBootableDevice VirtualMachineBootOptionsBootableDiskDevice VirtualMachineBootOptionsBootableCdromDevice
VirtualMachineFileInfo ToolsConfigInfo ToolsConfigInfoToolsLastInstallInfo VirtualMachineDefaultPowerOpInfo
ResourceAllocationInfo SharesInfo VirtualMachineAffinityInfo VirtualMachineConfigInfoDatastoreUrlPair LatencySensitivity
OptionValue VirtualMachineSummary VirtualMachineConfigSummary VirtualMachineGuestSummary VirtualMachineStorageSummary
VirtualMachineQuickStats VirtualMachineRuntimeInfo VirtualMachineRuntimeInfoDasProtectionState
GuestInfo GuestNicInfo NetIpConfigInfo NetIpConfigInfoIpAddress GuestStackInfo GuestDiskInfo NetDnsConfigInfo
VirtualMachineSnapshotInfo VirtualMachineSnapshotTree VirtualMachineFileLayoutEx VirtualMachineFileLayoutExFileInfo
VirtualMachineFileLayoutExDiskLayout VirtualMachineFileLayoutExDiskUnit VirtualMachineFileLayoutExSnapshotLayout
VirtualMachineFileLayout VirtualMachineFileLayoutDiskLayout VirtualMachineFileLayoutSnapshotLayout
VirtualMachineStorageInfo VirtualMachineUsageOnDatastore CryptoKeyId KeyProviderId
VirtualDevice VirtualController VirtualIDEController VirtualPS2Controller VirtualPCIController VirtualSIOController
VirtualKeyboard VirtualPointingDevice VirtualMachineVideoCard VirtualMachineVMCIDevice VirtualSCSIController
ParaVirtualSCSIController VirtualLsiLogicController VirtualLsiLogicSASController VirtualBusLogicController
VirtualSATAController VirtualAHCIController VirtualNVMEController VirtualUSBController VirtualUSBXHCIController VirtualUSB
VirtualUSBUSBBackingInfo VirtualCdrom VirtualCdromRemotePassthroughBackingInfo VirtualCdromIsoBackingInfo VirtualTPM
VirtualPCIPassthrough VirtualPCIPassthroughDeviceBackingInfo VirtualDisk VirtualDiskId
VirtualDeviceBackingInfo VirtualDeviceFileBackingInfo VirtualDeviceDeviceBackingInfo VirtualDeviceRemoteDeviceBackingInfo
VirtualDiskFlatVer2BackingInfo VirtualDiskSeSparseBackingInfo VirtualDiskRawDiskMappingVer1BackingInfo
VirtualDeviceConnectInfo VirtualDeviceBusSlotInfo VirtualDevicePciBusSlotInfo StorageIOAllocationInfo
VirtualEthernetCard VirtualVmxnet VirtualVmxnet2 VirtualVmxnet3 VirtualE1000 VirtualE1000e VirtualPCNet32
VirtualSriovEthernetCard VirtualEthernetCardNetworkBackingInfo VirtualEthernetCardDistributedVirtualPortBackingInfo
DistributedVirtualSwitchPortConnection VirtualEthernetCardResourceAllocation
VirtualMachineConfigSpec VirtualDeviceConfigSpec VirtualMachineGuestQuiesceSpec DiskChangeInfo DiskChangeExtent
DatacenterConfigInfo ComputeResourceSummary ClusterComputeResourceSummary ResourcePoolSummary ResourceConfigSpec
HostListSummary HostListSummaryQuickStats HostHardwareSummary HostConfigSummary HostRuntimeInfo HostConfigInfo
HostVirtualNic HostNetworkInfo HostIpConfig HostVirtualNicSpec
NetworkSummary OpaqueNetworkSummary DVPortgroupConfigInfo DVPortgroupPolicy DVPortSetting VMwareDVSPortSetting DVSConfigInfo VMwareDVSConfigInfo
DVSSummary VmwareDistributedVirtualSwitchVlanSpec VmwareDistributedVirtualSwitchVlanIdSpec InheritablePolicy BoolPolicy
DatastoreSummary DatastoreCapability DatastoreInfo VmfsDatastoreInfo HostVmfsVolume
HostFileSystemVolume HostScsiDiskPartition DatastoreHostMount HostMountInfo
HttpNfcLeaseInfo HttpNfcLeaseCapabilities HttpNfcLeaseDeviceUrl HttpNfcLeaseManifestEntry HttpNfcLeaseHostInfo HttpNfcLeaseDatastoreLeaseInfo KeyValue
MethodFault RuntimeFault VimFault NotAuthenticated InvalidLogin NoPermission SecurityError InvalidArgument InvalidRequest
InvalidType ManagedObjectNotFound MethodNotFound NotImplemented NotSupported RequestCanceled SystemError InvalidProperty
InvalidCollectorVersion FileFault FileLocked FileNotFound NotFound InvalidState InvalidPowerState TaskInProgress
ConcurrentAccess SnapshotFault ApplicationQuiesceFault ToolsUnavailable VmConfigFault GenericVmConfigFault InvalidDeviceSpec
InvalidVmConfig DuplicateName InvalidName Timedout RestrictedVersion InvalidDeviceOperation VmToolsUpgradeFault
InvalidSnapshotFormat InvalidVmState InvalidDatastorePath InvalidDatastore OutOfBounds""".split()

PRIMITIVE = {
    "string": "string", "int": "int", "long": "long", "boolean": "boolean", "short": "short", "byte": "byte", "float": "float",
    "double": "double", "anyType": "anyType", "vmodl.DateTime": "dateTime", "vmodl.Binary": "base64Binary",
    "vmodl.URI": "anyURI", "vmodl.TypeName": "string", "vmodl.MethodName": "string", "vmodl.PropertyPath": "string",
    "void": "void",
}
F_LINK, F_LINKABLE, F_OPTIONAL, F_SECRET = 1, 2, 4, 8

data, managed, enums, wsdl_name = {}, {}, {}, {}


def create_data_type(vmodl, wsdl, parent, _version, fields):
    wsdl_name[vmodl] = wsdl
    data[wsdl] = (parent, fields or [])


def create_enum_type(vmodl, wsdl, _version, values):
    wsdl_name[vmodl] = wsdl
    enums[wsdl] = values


def create_managed_type(vmodl, wsdl, parent, _version, properties, methods):
    wsdl_name[vmodl] = wsdl
    managed[wsdl] = (parent, properties or [], methods or [])


def load():
    scope = dict(CreateDataType=create_data_type, CreateEnumType=create_enum_type, CreateManagedType=create_managed_type,
                 F_LINK=F_LINK, F_LINKABLE=F_LINKABLE, F_OPTIONAL=F_OPTIONAL, F_SECRET=F_SECRET)
    folder = os.path.dirname(pyVmomi.__file__)
    for name in ("CoreTypes.py", "QueryTypes.py", "ServerObjects.py"):
        with open(os.path.join(folder, name), encoding="utf-8") as declarations:
            for line in declarations:
                if re.match(r"Create(Data|Enum|Managed)Type\(", line):
                    exec(line, scope)  # pylint: disable=exec-used
    wsdl_name.update({"vmodl.DataObject": "", "vmodl.ManagedObject": "ManagedObject", "vmodl.MethodFault": "MethodFault",
                      "vmodl.RuntimeFault": "RuntimeFault", "vmodl.LocalizedMethodFault": "LocalizedMethodFault"})
    data.setdefault("MethodFault", ("vmodl.DataObject", [
        ("faultCause", "vmodl.MethodFault", "", F_OPTIONAL),
        ("faultMessage", "vmodl.LocalizableMessage[]", "", F_OPTIONAL)]))
    data.setdefault("RuntimeFault", ("vmodl.MethodFault", []))
    data.setdefault("LocalizedMethodFault", ("vmodl.DynamicData", [
        ("fault", "vmodl.MethodFault", "", 0), ("localizedMessage", "string", "", F_OPTIONAL)]))


def spell(vmodl):
    """`#` marks an enumeration, `&` a reference to a managed object, `[]` a list."""
    if vmodl.endswith("[]"):
        return spell(vmodl[:-2]) + "[]"
    if vmodl in PRIMITIVE:
        return PRIMITIVE[vmodl]
    name = wsdl_name.get(vmodl)
    if name is None:
        return "anyType"
    if name in enums:
        return "#" + name
    if name == "MethodFault":
        return "LocalizedMethodFault"  # what goes over the wire; pyVmomi takes it off on arrival
    if name in data:
        return name
    return "&" + name


def field(entry):
    name, vmodl, _version, flags = entry[:4]
    return f"{name}{'?' if flags & F_OPTIONAL else ''} {spell(vmodl)}"


def quote(text):
    return "'" + text.replace("'", "\\'") + "'"


def main():
    load()
    missing = [name for name in DATA if name not in data and name not in enums]
    missing += [name for name in MANAGED if name not in managed]
    chosen, todo = {}, [name for name in DATA if name in data]
    while todo:
        name = todo.pop()
        if name in chosen:
            continue
        parent, fields = data[name]
        base = wsdl_name.get(parent, "")
        chosen[name] = (base, fields)
        if base:
            todo.append(base)
    out = ["// Written by write_vim_schema.py from pyVmomi's declarations (Apache-2.0).",
           "",
           "type DataType = readonly [base: string, fields: string];",
           "type Method = readonly [result: string, parameters: string, privilege: string];",
           "type ManagedType = readonly [base: string, properties: string, methods: Record<string, Method>];", "",
           "/** `field? type` by declaration order: `#` an enumeration, `&` a managed object, `[]` a list. */",
           "export const vimSchemaText: { data: Record<string, DataType>; managed: Record<string, ManagedType> } = {",
           "  data: {"]
    for name in sorted(chosen):
        base, fields = chosen[name]
        text = "|".join(field(entry) for entry in fields)
        if name == "LocalizedMethodFault":
            text = "fault MethodFault|localizedMessage? string"
        out.append(f"    {name}: [{quote(base)}, {quote(text)}],")
    out += ["  },", "  managed: {"]
    for name in sorted(name for name in MANAGED if name in managed):
        parent, properties, methods = managed[name]
        base = wsdl_name.get(parent, "")
        out.append(f"    {name}: [{quote(base if base != 'ManagedObject' else '')}, "
                   f"{quote('|'.join(field(entry) for entry in properties))}, {{")
        for method in methods:
            _python_name, wsdl, _version, parameters, (flags, result, _info) = method[:5]
            privilege = method[5]
            text = "|".join(field(entry) for entry in parameters)
            out.append(f"      {wsdl}: [{quote(spell(result))}, {quote(text)}, {quote(privilege or '')}],")
        out.append("    }],")
    out += ["  },", "};", ""]
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vimSchema.generated.ts")
    with open(target, "w", encoding="utf-8") as generated:
        generated.write("\n".join(out))
    print(f"{target}: {len(chosen)} data types; not in this pyVmomi: {' '.join(missing) or 'none'}")


main()
