from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('broker', '0003_sign_in_provider_options'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(condition=models.Q(('status__in', ('active', 'refreshing'))), fields=['status'], name='connection_usable'),
        ),
    ]
