#!/usr/bin/python3
"""Checks the lab's vCenter with a client that its authors did not write: pyVmomi.

Usage: VCENTER_PASSWORD=… pyvmomi_check.py PORT USERNAME VM_NAME
Prints one JSON document with what it saw; any surprise is an exception.
"""
import json
import os
import ssl
import sys
import time
import urllib.parse
import urllib.request

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl


def collect_vms(content):
    """All VMs by the property collector, page by page."""
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    collector = content.propertyCollector
    traversal = vmodl.query.PropertyCollector.TraversalSpec(name="view", path="view", skip=False, type=vim.view.ContainerView)
    spec = vmodl.query.PropertyCollector.FilterSpec(
        objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=view, skip=True, selectSet=[traversal])],
        propSet=[vmodl.query.PropertyCollector.PropertySpec(
            type=vim.VirtualMachine, all=False, pathSet=["name", "config.hardware.device", "runtime.powerState"])])
    options = vmodl.query.PropertyCollector.RetrieveOptions(maxObjects=2)
    page = collector.RetrievePropertiesEx([spec], options)
    pages, found = 0, {}
    while page is not None:
        pages += 1
        for content_of in page.objects:
            found[content_of.obj._moId] = {prop.name: prop.val for prop in content_of.propSet}
        page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None
    view.Destroy()
    return found, pages


def changed_areas(vm, snapshot, disk, change_id):
    """Every area, by pages; a page may be empty."""
    areas, offset, pages = [], 0, 0
    while offset < disk.capacityInBytes:
        page = vm.QueryChangedDiskAreas(snapshot, disk.key, offset, change_id)
        assert page.startOffset == offset and page.length > 0
        areas += [(area.start, area.length) for area in page.changedArea]
        offset += page.length
        pages += 1
    return areas, pages


def disks_of(config):
    return [device for device in config.hardware.device if isinstance(device, vim.vm.device.VirtualDisk)]


def main():
    port, username, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    service = SmartConnect(host="127.0.0.1", port=port, user=username, pwd=os.environ["VCENTER_PASSWORD"], sslContext=context)
    seen = {}
    try:
        content = service.RetrieveContent()
        seen["about"] = content.about.fullName
        datacenters = [entity for folder in content.rootFolder.childEntity for entity in folder.childEntity]
        seen["datacenters"] = [each.name for each in datacenters]
        cluster = datacenters[0].hostFolder.childEntity[0]
        seen["hosts"] = [(host.name, host.summary.config.product.build) for host in cluster.host]
        seen["networks"] = [(type(each).__name__, each.name) for each in datacenters[0].network]
        seen["datastores"] = [(each.name, each.summary.type) for each in datacenters[0].datastore]
        vms, pages = collect_vms(content)
        seen["pages"] = pages
        seen["devices"] = {vm["name"]: [type(device).__name__ for device in vm["config.hardware.device"]] for vm in vms.values()}

        vm = next(vm for vm in datacenters[0].vmFolder.childEntity if vm.name == name)
        assert content.searchIndex.FindByUuid(None, vm.config.instanceUuid, True, True) == vm
        assert content.searchIndex.FindByInventoryPath(f"Sites/DC0/vm/{name}") == vm
        seen["guest"] = (vm.guest.toolsRunningStatus, vm.guest.net[0].ipAddress[0], vm.summary.config.numVirtualDisks)
        seen["layout"] = [file.name for file in vm.layoutEx.file]

        def snapshot_of(title):
            task = vm.CreateSnapshot_Task(name=title, description="by pyvmomi", memory=False, quiesce=False)
            WaitForTask(task, si=service)
            return task.info.result

        first = snapshot_of("first")
        disk = disks_of(first.config)[0]
        before = disk.backing.changeId
        time.sleep(0.5)
        second = snapshot_of("second")
        tree = vm.snapshot.rootSnapshotList[0]
        seen["tree"] = [tree.name, tree.childSnapshotList[0].name]
        seen["parent"] = disks_of(vm.config)[0].backing.parent.parent.fileName
        areas, area_pages = changed_areas(vm, second, disk, before)
        seen["areas"], seen["areaPages"] = areas, area_pages
        allocated, _ = changed_areas(vm, first, disk, "*")
        seen["allocated"] = sum(length for _, length in allocated)
        try:
            vm.QueryChangedDiskAreas(first, disk.key, disk.capacityInBytes, "*")
        except vmodl.fault.InvalidArgument as fault:
            seen["atCapacity"] = fault.invalidProperty
        try:
            vm.QueryChangedDiskAreas(first, disk.key, 0, "52 00 00 00 00 00 00 00-00 00 00 00 00 00 00 00/1")
        except vim.fault.FileFault as fault:
            seen["strangeChangeId"] = fault.file

        path = disk.backing.fileName.split("] ")[1].replace(".vmdk", "-flat.vmdk")
        query = urllib.parse.urlencode({"dcPath": "Sites/DC0", "dsName": disk.backing.datastore.name})
        request = urllib.request.Request(
            f"https://127.0.0.1:{port}/folder/{urllib.parse.quote(path)}?{query}",
            headers={"Cookie": service._stub.cookie, "Range": "bytes=1048576-1048591"})
        with urllib.request.urlopen(request, context=context) as reply:
            seen["range"] = [reply.status, reply.headers["Content-Range"], reply.read().hex()]

        WaitForTask(second.RemoveSnapshot_Task(removeChildren=False), si=service)
        WaitForTask(first.RemoveSnapshot_Task(removeChildren=False), si=service)
        assert vm.snapshot is None and not vm.runtime.consolidationNeeded
        vm.ShutdownGuest()
        while vm.runtime.powerState != "poweredOff":
            time.sleep(0.02)
        try:
            WaitForTask(vm.PowerOffVM_Task(), si=service)
        except vim.fault.InvalidPowerState as fault:
            seen["offTwice"] = fault.existingState
        nics = [device for device in vm.config.hardware.device if isinstance(device, vim.vm.device.VirtualEthernetCard)]
        for nic in nics:
            nic.connectable.startConnected = nic.connectable.connected = False
        change = [vim.vm.device.VirtualDeviceSpec(operation="edit", device=nic) for nic in nics]
        WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=change)), si=service)
        WaitForTask(vm.Rename_Task(name + " (migrated)"), si=service)
        WaitForTask(vm.PowerOnVM_Task(), si=service)
        seen["after"] = [vm.name, str(vm.runtime.powerState), [
            device.connectable.connected for device in vm.config.hardware.device
            if isinstance(device, vim.vm.device.VirtualEthernetCard)]]
    finally:
        Disconnect(service)
    print(json.dumps(seen))


main()
