"""Why a file cannot be read; apart from the readers, so that a server knows these without their libraries."""

from besedka.problems import Problem


class FileBroken(Problem):
    """The file is broken: it begins like its format and cannot be read to its end."""

    code = "knowledge_file_broken"


class FileEncrypted(Problem):
    """The file is encrypted; import it without its password."""

    code = "knowledge_file_encrypted"


class TakesTooMuch(Problem):
    """Reading the file takes more time or memory than a source of knowledge may."""

    code = "knowledge_file_takes_too_much"
    status = 413


class TooManyPages(Problem):
    """The file has more pages than a source of knowledge may have."""

    code = "knowledge_too_many_pages"
    status = 413


class UnpacksTooLarge(Problem):
    """The file unpacks to more than a source of knowledge may have."""

    code = "knowledge_file_unpacks_too_large"
    status = 413
