"""Every fault there is."""

from tests.faults.injections import (
    clients,
    clock,
    database,
    descriptors,
    disk,
    frozen,
    kills,
    lost_answers,
    neighbours,
    smtp,
)
from tests.faults.injections.fault import Fault

__all__ = ["FAULTS", "KILL", "Fault"]

KILL = kills.Kill()

FAULTS: tuple[Fault, ...] = (
    KILL,
    kills.KillAtWrite(),
    kills.Sigterm(),
    frozen.FreezeServer(),
    disk.DiskFull(),
    disk.IoError(),
    disk.SlowFsync(),
    database.DatabaseStop(),
    database.DatabaseRestart(),
    database.DatabaseFreeze(),
    database.ConnectionsCut(),
    database.ConnectionsTaken(),
    database.BackendKill(),
    database.DatabaseLocked(),
    neighbours.RedisStop(),
    neighbours.RedisFreeze(),
    neighbours.RedisFlush(),
    neighbours.RedisFull(),
    neighbours.BreachedDown(),
    neighbours.BreachedSlow(),
    smtp.SmtpRefused(),
    smtp.SmtpHanging(),
    smtp.SmtpSlow(),
    smtp.SmtpLater(),
    smtp.SmtpNever(),
    smtp.SmtpDropped(),
    smtp.SmtpLostAnswer(),
    smtp.SmtpKill(),
    clients.IdleConnections(),
    clients.SilentClients(),
    clients.SlowClients(),
    clients.VanishingClients(),
    lost_answers.LostAnswers(),
    descriptors.DescriptorExhaustion(),
    clock.ClockJump(),
)
