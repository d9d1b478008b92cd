"""Contract §2–3: bots, their scenarios and steps, and executions, for the people who make them."""

from typing import Any, TypeVar

import msgspec
from django.db.models import Model, Prefetch, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from besedka.accounts import roles
from besedka.accounts.models import User
from besedka.bots import exporting, filters, importing, placements, scenarios, versions, walks
from besedka.bots.execution_serializer import ExecutionSerializer
from besedka.bots.filters import ByNamedFields, WhenAskedFor
from besedka.bots.formats import AsItIs, Text
from besedka.bots.models import Bot, Execution, Scenario, Step
from besedka.bots.serializers import (
    AbilitiesSerializer,
    BotSerializer,
    FlawSerializer,
    ImportedSerializer,
    ScenarioSerializer,
    StepSerializer,
    TriggersSerializer,
)
from besedka.dialogue import graph as graphs
from besedka.dialogue import linter

M = TypeVar("M", bound=Model)

# How the owner of each thing is reached from it.
_OWNER = {
    Bot: "created_by",
    Scenario: "bot__created_by",
    Step: "scenario__bot__created_by",
    Execution: "bot__created_by",
}
_BOT = {Bot: "pk", Scenario: "bot_id", Step: "scenario__bot_id"}
_STEPS = Prefetch("steps", Step.objects.order_by("order", "pk"))
_SCENARIOS = Prefetch("scenarios", Scenario.objects.order_by("pk").prefetch_related(_STEPS))


class _OfAuthors(viewsets.GenericViewSet[Any]):
    """Authors see and change what is theirs, administrators everything; what is another's is not there."""

    permission_classes = (roles.AuthorsWrite,)
    filter_backends = (ByNamedFields,)
    pagination_class = WhenAskedFor
    narrowed_by: dict[str, tuple[str, filters.Reading]] = {}
    lookup_value_regex = r"[0-9]{1,18}"

    def visible(self, model: type[M]) -> QuerySet[M]:
        """What of these this person may see."""
        rows: QuerySet[M] = model._default_manager.all()
        user = self.request.user
        return rows if user.has_perm(roles.ADMINISTER) else rows.filter(**{_OWNER[model]: user.pk})


_IF_MATCH = OpenApiParameter("If-Match", str, "header", description="change it only if its `ETag` still is this")
_ETAG = OpenApiParameter("ETag", str, "header", response=[200], description="names this state of it")


@extend_schema_view(
    retrieve=extend_schema(parameters=[_ETAG]),
    update=extend_schema(parameters=[_IF_MATCH, _ETAG]),
    partial_update=extend_schema(parameters=[_IF_MATCH, _ETAG]),
    destroy=extend_schema(parameters=[_IF_MATCH]),
)
class _Changing(_OfAuthors, mixins.CreateModelMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin,
                mixins.UpdateModelMixin, mixins.DestroyModelMixin):  # fmt: skip
    """All that can be done, each time with word to those who walk through the bot's scenarios.

    What is changed is read and written while nobody else changes it: no change undoes another one unseen. With
    `If-Match` it is changed only in a state that its `ETag` named. Raises `ChangedMeanwhile`.
    """

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """It, with the name of its state."""
        return self._shown()

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """It is as it was asked for."""
        with versions.alone(self._bot_id()):
            super().update(request, *args, **kwargs)
            return self._shown()

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """It is gone."""
        with versions.alone(self._bot_id()):
            return super().destroy(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """It is there."""
        written = serializer.validated_data
        with versions.alone(written["scenario"].bot_id if "scenario" in written else written["bot"].pk):
            scenarios.changed(_bot_of(serializer.save()))

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """It is written; walks that are under way go on as they began."""
        versions.check(self.request, self.get_serializer(serializer.instance).data)
        scenarios.changed(_bot_of(serializer.save()))

    def perform_destroy(self, instance: Any) -> None:
        """It is deleted; walks that are under way go on as they began."""
        versions.check(self.request, self.get_serializer(instance).data)
        bot_id = _bot_of(instance)
        instance.delete()
        scenarios.changed(bot_id)

    def _shown(self) -> Response:
        shown = self.get_serializer(self.get_object()).data
        return Response(shown, headers={"ETag": versions.etag(shown)})

    def _bot_id(self) -> int | None:
        """Of what this address names. It never comes to another bot, so that this is known before any lock."""
        model = self.get_queryset().model
        named = model._default_manager.filter(pk=self.kwargs["pk"])
        bot_id: int | None = named.values_list(_BOT[model], flat=True).first()
        return bot_id


class Bots(_Changing):
    """Bots: who answers at once."""

    serializer_class = BotSerializer
    narrowed_by = {
        "is_active": ("is_active", filters.yes_or_no),
        "bot_type": ("bot_type", filters.one_of(*Bot.Type.values)),
    }

    def get_queryset(self) -> QuerySet[Bot]:
        """This person's bots, with everything in them, in three queries."""
        return self.visible(Bot).order_by("pk").prefetch_related(_SCENARIOS)

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """The bot is whose who made it."""
        serializer.save(created_by=self.request.user)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Its scenarios are as they were."""
        versions.check(self.request, self.get_serializer(serializer.instance).data)
        placements.announce(serializer.save().pk)

    @extend_schema(methods=["GET"], responses=AbilitiesSerializer, filters=False)
    @extend_schema(methods=["PUT"], request=AbilitiesSerializer, responses=AbilitiesSerializer)
    @action(detail=True, methods=["get", "put"], serializer_class=AbilitiesSerializer, pagination_class=None)
    def abilities(self, request: Request, **kwargs: Any) -> Response:
        """What the bot may do beside talking: look ads up."""
        bot = self.get_object()
        serializer = AbilitiesSerializer(bot, data=request.data if request.method == "PUT" else None)
        if request.method == "PUT":
            serializer.is_valid(raise_exception=True)
            self.perform_update(serializer)
        return Response(AbilitiesSerializer(bot).data)

    @extend_schema(responses={(200, "application/yaml"): OpenApiTypes.ANY}, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None, renderer_classes=[AsItIs])
    def export(self, request: Request, **kwargs: Any) -> Response:
        """The whole bot as a file that reviews well; no secret is in it."""
        bot = self.get_object()
        headers = {"Content-Disposition": f'attachment; filename="bot-{bot.pk}.yaml"'}
        return Response(exporting.export(bot), headers=headers)

    @extend_schema(
        request={"application/yaml": str},
        responses={200: ImportedSerializer, 201: ImportedSerializer},
        filters=False,
    )
    @action(
        detail=False, methods=["post"], url_path="import", pagination_class=None, parser_classes=[Text],
        serializer_class=ImportedSerializer,
    )  # fmt: skip
    def take(self, request: Request, **kwargs: Any) -> Response:
        """The bot of this name is what the file says; a second time nothing changes. A fault names its line."""
        assert isinstance(request.user, User)
        text = request.data.get("text", "") if isinstance(request.data, dict) else ""
        imported = importing.import_text(str(text), owner=request.user)
        shown = ImportedSerializer(msgspec.to_builtins(imported)).data
        return Response(shown, status=status.HTTP_201_CREATED if imported.is_new else status.HTTP_200_OK)

    @extend_schema(responses=FlawSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def warnings(self, request: Request, **kwargs: Any) -> Response:
        """What looks wrong in the bot's scenarios; none of it is refused."""
        document = scenarios.document(self.get_object().pk)
        flaws = linter.warnings(graphs.read(document, references=False))
        return Response([flaw._asdict() for flaw in flaws])


class Scenarios(_Changing):
    """Scenarios: what a bot says and asks, step by step."""

    serializer_class = ScenarioSerializer
    narrowed_by = {"bot": ("bot_id", filters.number), "is_active": ("is_active", filters.yes_or_no)}

    def get_queryset(self) -> QuerySet[Scenario]:
        """This person's scenarios with their steps."""
        return self.visible(Scenario).order_by("pk").prefetch_related(_STEPS)

    @extend_schema(methods=["GET"], responses=StepSerializer(many=True), filters=False)
    @extend_schema(methods=["POST"], request=StepSerializer, responses={201: StepSerializer})
    @action(detail=True, methods=["get", "post"], serializer_class=StepSerializer, pagination_class=None)
    def steps(self, request: Request, **kwargs: Any) -> Response:
        """The scenario's steps in their order; POST adds one to it."""
        scenario = self.get_object()
        if request.method != "POST":
            return Response(StepSerializer(scenario.steps.all(), many=True, context={"view": self}).data)
        context = {**self.get_serializer_context(), "scenario": scenario}
        serializer = StepSerializer(data=request.data, context=context)
        serializer.is_valid(raise_exception=True)
        self.perform_create(serializer)
        return Response(serializer.data, status=status.HTTP_201_CREATED)

    @extend_schema(methods=["GET"], responses=TriggersSerializer, filters=False)
    @extend_schema(methods=["PUT"], request=TriggersSerializer, responses=TriggersSerializer)
    @action(detail=True, methods=["get", "put"], serializer_class=TriggersSerializer, pagination_class=None)
    def triggers(self, request: Request, **kwargs: Any) -> Response:
        """What begins the scenario: the first words of a visitor, a keyword at any time, a command."""
        if request.method != "PUT":
            return self._shown()
        with versions.alone(self._bot_id()):
            serializer = self.get_serializer(self.get_object(), data=request.data)
            serializer.is_valid(raise_exception=True)
            self.perform_update(serializer)
            return self._shown()


class Steps(_Changing):
    """Steps of all scenarios."""

    serializer_class = StepSerializer
    narrowed_by = {"scenario_id": ("scenario_id", filters.number), "scenario": ("scenario_id", filters.number)}

    def get_queryset(self) -> QuerySet[Step]:
        """This person's steps, scenario by scenario, in their order."""
        return self.visible(Step).select_related("scenario").order_by("scenario_id", "order", "pk")


class Executions(_OfAuthors, mixins.CreateModelMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin,
                 mixins.UpdateModelMixin, mixins.DestroyModelMixin):  # fmt: skip
    """Executions: walks of conversations through scenarios. What was said is read from the log."""

    serializer_class = ExecutionSerializer
    narrowed_by = {
        "bot": ("bot_id", filters.number),
        "scenario": ("scenario_id", filters.number),
        "user_session": ("user_session", filters.text),
        "is_completed": ("is_completed", filters.yes_or_no),
    }

    def get_queryset(self) -> QuerySet[Execution]:
        """The executions of this person's bots."""
        return self.visible(Execution).order_by("pk")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Each with the newest hundred messages of its history, all of them read at once."""
        rows = self.filter_queryset(self.get_queryset())
        page = self.paginate_queryset(rows)
        shown = list(rows) if page is None else page
        context = {**self.get_serializer_context(), "histories": walks.histories_of(shown, newest=walks.IN_LISTS)}
        data = ExecutionSerializer(shown, many=True, context=context).data
        return Response(data) if page is None else self.get_paginated_response(data)


def _bot_of(instance: Any) -> int:
    if isinstance(instance, Step):
        return instance.scenario.bot_id
    return int(instance.bot_id) if isinstance(instance, Scenario) else int(instance.pk)
