"""All that has to do with mail, built together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.clock import Clock
from app.core.config import Settings
from app.core.security import ChallengeTokens, DerivedKeys
from app.database import Database
from app.services.challenges import Challenges
from app.services.circuit_breaker import BreakerRegistry
from app.services.composing import Composer
from app.services.devices import Devices
from app.services.letters import Letters
from app.services.limits import Limits
from app.services.mail_requests import MailRequests
from app.services.notices import Notices
from app.services.outbox import Outbox

if TYPE_CHECKING:
    from app.services.delivery import Delivery


@dataclass(frozen=True)
class Mail:
    """What other services and the server work with.

    Attributes:
        delivery: None where no mail is sent.
    """

    tokens: ChallengeTokens
    challenges: Challenges
    requests: MailRequests
    composer: Composer
    outbox: Outbox
    notices: Notices
    delivery: "Delivery | None"


def build_mail(
    settings: Settings,
    database: Database,
    clock: Clock,
    derived: DerivedKeys,
    limits: Limits,
    breakers: BreakerRegistry,
    devices: Devices,
) -> Mail:
    """Build what settings ask for; nothing is connected yet."""
    tokens = ChallengeTokens(derived)
    challenges = Challenges(settings, clock, tokens, limits)
    composer = Composer(settings, database, clock, tokens, Letters(settings))
    delivery = None
    if server := settings.smtp_server:
        # Only here: many send no mail, and its libraries take time and memory.
        from app.services.delivery import Delivery
        from app.services.smtp import Smtp

        smtp = Smtp(server, settings.host, breakers)
        delivery = Delivery(database, clock, smtp, composer)
        database.on_change(delivery.hear)
    requests = MailRequests(settings, database, clock, limits, devices, challenges)
    return Mail(
        tokens,
        challenges,
        requests,
        composer,
        Outbox(database, clock),
        Notices(settings, database, clock, challenges),
        delivery,
    )
