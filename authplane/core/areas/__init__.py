"""The configuration as frozen dataclasses, one per area."""

from __future__ import annotations

from dataclasses import dataclass, field

from authplane.core.areas.assertions import AssertionGrants
from authplane.core.areas.certificates import ClientCertificates
from authplane.core.areas.data_plane import ForwardAuth
from authplane.core.areas.operation import (
    Admin,
    BrokerProvider,
    Logging,
    Metrics,
    RateLimit,
    Secrets,
    Seeds,
    Server,
    Session,
    Signing,
    Storage,
)
from authplane.core.areas.proofs import DPoP
from authplane.core.areas.protocol import (
    Agents,
    Exchange,
    Features,
    MetadataDocuments,
    OAuth,
    Registration,
    Tokens,
)
from authplane.core.areas.proxies import Proxies
from authplane.core.areas.record import AuditRecord
from authplane.core.areas.sign_in import FederatedSignIn
from authplane.core.areas.upstreams import Broker, Connect
from authplane.core.areas.vault import DataKeys
from authplane.core.areas.workloads import WorkloadTokens


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an operator can set, complete and checked."""

    server: Server = field(default_factory=Server)
    storage: Storage = field(default_factory=Storage)
    signing: Signing = field(default_factory=Signing)
    tokens: Tokens = field(default_factory=Tokens)
    dcr: Registration = field(default_factory=Registration)
    cimd: MetadataDocuments = field(default_factory=MetadataDocuments)
    oauth: OAuth = field(default_factory=OAuth)
    exchange: Exchange = field(default_factory=Exchange)
    xaa: AssertionGrants = field(default_factory=AssertionGrants)
    dpop: DPoP = field(default_factory=DPoP)
    certificates: ClientCertificates = field(default_factory=ClientCertificates)
    session: Session = field(default_factory=Session)
    rate_limit: RateLimit = field(default_factory=RateLimit)
    admin: Admin = field(default_factory=Admin)
    audit: AuditRecord = field(default_factory=AuditRecord)
    secrets: Secrets = field(default_factory=Secrets)
    data_keys: DataKeys = field(default_factory=DataKeys)
    metrics: Metrics = field(default_factory=Metrics)
    logging: Logging = field(default_factory=Logging)
    workload: WorkloadTokens = field(default_factory=WorkloadTokens)
    broker: Broker = field(default_factory=Broker)
    connect: Connect = field(default_factory=Connect)
    oidc: FederatedSignIn = field(default_factory=FederatedSignIn)
    proxies: Proxies = field(default_factory=Proxies)
    forward_auth: ForwardAuth = field(default_factory=ForwardAuth)
    agents: Agents = field(default_factory=Agents)
    features: Features = field(default_factory=Features)
    broker_provider: BrokerProvider = field(default_factory=BrokerProvider)
    seeds: Seeds = field(default_factory=Seeds)


__all__ = ["Config"]
