from django.contrib import admin
from unfold.admin import ModelAdmin

from besedka.turns.models import BotSource


@admin.register(BotSource)
class BotSourceAdmin(ModelAdmin):
    list_display = ("bot", "source")
    list_filter = ("bot",)
    list_select_related = ("bot", "source")
