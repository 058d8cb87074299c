"""Models of django-oauth-toolkit that this server does not use.

They are swapped like the others because leaving them behind makes the migration graph cyclic.
"""

from oauth2_provider.models import AbstractDeviceGrant, AbstractIDToken


class IDToken(AbstractIDToken):
    """No ID token is issued."""

    class Meta(AbstractIDToken.Meta):
        pass


class DeviceGrant(AbstractDeviceGrant):
    """No device flow is offered."""

    class Meta(AbstractDeviceGrant.Meta):
        pass
