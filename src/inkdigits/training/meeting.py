"""How processes that torchrun starts, and starts anew, find each other and no dead one."""

import secrets
import time
from datetime import timedelta

from torch.distributed import DistStoreError
from torch.distributed.constants import default_pg_timeout
from torch.distributed.distributed_c10d import PrefixStore, Store

_POLL = 0.05  # seconds


def own_part(
    store: Store, rank: int, count: int, patience: timedelta = default_pg_timeout
) -> Store:
    """Return a part of torchrun's store that belongs to these ``count`` processes alone.

    torchrun keeps the store when it starts the processes anew, and with it the addresses of the
    dead, for which a quick process would wait in vain. So the first process gives the part a new
    name, and tells it to whoever is there now: under a name of theirs, which no dead one had
    (pytorch/pytorch#135712). Raises DistStoreError if they do not all come in time.
    """
    name = secrets.token_hex(8)
    if rank:
        store.set(f"here/{rank}", name)
        agreed = store.get(f"welcome/{name}").decode()
        store.set(f"ready/{agreed}/{rank}", "")
        return PrefixStore(agreed, store)
    end = time.monotonic() + patience.total_seconds()
    missing, welcomed = set(range(1, count)), set()
    while missing:
        if time.monotonic() > end:
            raise DistStoreError(f"processes {sorted(missing)} did not come")
        for other in sorted(missing):
            if store.check([f"here/{other}"]):
                guest = store.get(f"here/{other}").decode()
                if guest not in welcomed:
                    welcomed.add(guest)
                    store.set(f"welcome/{guest}", name)
            if store.check([f"ready/{name}/{other}"]):
                missing.remove(other)
        time.sleep(_POLL)
    return PrefixStore(name, store)
