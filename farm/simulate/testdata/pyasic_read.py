"""Reads machines with pyasic and prints a line of JSON for each address."""
import asyncio
import json
import sys

from pyasic import get_miner


async def read(ip):
    try:
        miner = await asyncio.wait_for(get_miner(ip), 60)
        if miner is None:
            return {"ip": ip, "error": "not found"}
        data = await asyncio.wait_for(miner.get_data(), 60)
        rate = data.hashrate
        return {
            "ip": ip,
            "class": type(miner).__name__,
            "mhs": int(float(rate.into(rate.unit.TH)) * 1_000_000) if rate else -1,
            "uptime": data.uptime if data.uptime is not None else -1,
            "mac": (data.mac or "").lower(),
            "boards": len([b for b in data.hashboards if not b.missing]),
            "fans": len([f for f in data.fans if f.speed]),
            "watts": data.wattage if data.wattage is not None else -1,
            "pools": [str(p.url) for p in data.pools],
        }
    except Exception as e:  # what pyasic cannot read is told, not hidden
        return {"ip": ip, "error": repr(e)}


async def main():
    for ip in sys.argv[1:]:
        print(json.dumps(await read(ip)), flush=True)


asyncio.run(main())
