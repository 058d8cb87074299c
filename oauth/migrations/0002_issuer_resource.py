"""The built-in resource: this server itself."""

from django.db import migrations

from oauth.resources.builtin import ensure_issuer_resource


def create(apps, schema_editor):
    ensure_issuer_resource(apps.get_model("oauth", "Resource").objects)


class Migration(migrations.Migration):
    dependencies = [("oauth", "0001_initial")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
