"""Addresses of the bot builder, each with and without its trailing slash."""

from rest_framework.routers import SimpleRouter

from besedka.bots import api

router = SimpleRouter()
router.trailing_slash = "/?"  # a pattern: both are served, none redirects
router.register("api/bots", api.Bots, basename="bots")
router.register("api/scenarios", api.Scenarios, basename="scenarios")
router.register("api/steps", api.Steps, basename="steps")
router.register("api/executions", api.Executions, basename="executions")
urlpatterns = router.urls
