"""What finance corrects in the console: an invoice that is taken back, work above a limit that is given up."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from tieout.console import choices, wording
from tieout.console.pages.hold import number_of
from tieout.console.visit import Visit
from tieout.engine.operator import Refused, Unknown
from tieout.store import holds


async def credit(visit: Visit) -> Response:
    """Asks that a posted invoice is taken back and billed again; somebody else of finance must agree."""
    visit.require("credit.decide")
    form, key = await visit.form(), visit.request.path_params["key"]
    await visit.setting.operator.corrections.credit(key, reason=form.get("reason", ""), actor=visit.me)
    return visit.done(
        f"/invoices/{quote(key, safe='')}", "Asked for: somebody else of finance answers it in Approvals."
    )


async def write_off(visit: Visit) -> Response:
    """Gives up what waits above the limit that a hold is about."""
    visit.require("work.write_off")
    form, number = await visit.form(), number_of(visit)
    async with visit.setting.database.transaction() as tx:
        stored = await holds.get(tx, number)
    if stored is None:
        raise Unknown(f"There is no hold H-{number}.")
    limit = choices.limit(stored["code"], stored["facts"])
    if not limit:
        raise Refused(f"H-{number} is not about work above a limit.")
    engagement = stored["subject"].split("/")[0]
    gone = await visit.setting.operator.corrections.write_off(
        engagement, limit=limit, reason=form.get("reason", ""), actor=visit.me
    )
    sums = wording.sums(wording.amount(each["worth"], each["currency"]) for each in gone)
    return visit.done(form.get("back", f"/holds/H-{number}"), f"{', '.join(map(str, sums))} written off.")
