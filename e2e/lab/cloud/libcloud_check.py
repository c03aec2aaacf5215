"""Drives the lab's CloudStack with Apache Libcloud, a client that knows nothing of this project.

Reads {"host", "port", "key", "secret", "appliance": a name} from standard input, so that no key stands on a
command line, and prints what it saw as one JSON document.
"""

import json
import sys

from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider


def main():
    given = json.load(sys.stdin)
    driver = get_driver(Provider.CLOUDSTACK)(
        given["key"],
        given["secret"],
        secure=False,
        host=given["host"],
        port=given["port"],
        path="/client/api",
    )
    driver.connection.poll_interval = 0.02

    zones = driver.list_locations()
    sizes = driver.list_sizes()
    images = driver.list_images()
    networks = driver.ex_list_networks()
    offerings = driver.ex_list_disk_offerings()
    seen = {
        "zones": [zone.name for zone in zones],
        "sizes": {size.name: size.ram for size in sizes},
        "images": [image.name for image in images],
        "networks": [network.name for network in networks],
        "offerings": {offering.name: offering.customizable for offering in offerings},
    }

    appliance = next(node for node in driver.list_nodes() if node.name == given["appliance"])
    volume = driver.create_volume(size=2, name="made by libcloud", location=zones[0])
    seen["volume"] = {"id": volume.id, "size": volume.size}
    driver.attach_volume(appliance, volume)
    seen["attached"] = [one.name for one in driver.list_volumes(node=appliance)]
    driver.ex_create_tags([volume.id], "Volume", {"made-by": "libcloud"})
    seen["tags"] = driver.ex_get_volume(volume.id).extra["tags"]
    snapshot = driver.create_volume_snapshot(volume)
    seen["snapshots"] = [one.id == snapshot.id for one in driver.list_snapshots()]
    driver.destroy_volume_snapshot(snapshot)
    driver.detach_volume(volume)
    seen["detached"] = [one.name for one in driver.list_volumes(node=appliance)]
    driver.destroy_volume(volume)
    seen["left"] = [one.name for one in driver.list_volumes()]

    node = driver.create_node(
        name="made-by-libcloud",
        size=sizes[0],
        image=images[0],
        location=zones[0],
        networks=[networks[0]],
        ex_start_vm=True,
    )
    seen["node"] = {"state": str(node.state), "addresses": node.private_ips}
    offering = next(one for one in driver.ex_list_network_offerings() if one.name == "Isolated without egress")
    network = driver.ex_create_network("libcloud's own", "libcloud-own", offering, zones[0])
    driver.ex_attach_nic_to_node(node, network)
    nics = driver.ex_list_nics(node)
    seen["nics"] = [[nic.network_id == network.id, nic.is_default] for nic in nics]
    try:
        driver.ex_delete_network(network)
    except Exception as error:
        seen["network_refusal"] = str(error)
    driver.ex_detach_nic_from_node(nics[1], node)
    driver.ex_delete_network(network)
    driver.ex_stop(node)
    seen["stopped"] = str(driver.ex_get_node(node.id).state)
    driver.ex_start(node)
    driver.destroy_node(node)
    seen["nodes"] = {one.name: str(one.state) for one in driver.list_nodes()}

    try:
        driver.create_volume(size=100000, name="too large", location=zones[0])
    except Exception as error:
        seen["refusal"] = str(error)
    print(json.dumps(seen))


main()
