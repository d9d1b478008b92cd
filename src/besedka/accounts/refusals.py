"""Our refusals, in the form in which DRF lets an authentication utter them."""

from rest_framework.exceptions import APIException

from besedka.problems import Problem


class Refused(APIException):
    """A problem on its way through DRF, which takes only exceptions of its own while it finds out who asks."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.status_code = problem.status
