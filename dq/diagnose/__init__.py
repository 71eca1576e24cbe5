"""Why a Spark application died or nearly did, from its event log alone; no JVM is started."""

from dq.diagnose.diagnosis import Diagnosis, diagnose, section_of
from dq.diagnose.diagnosis_text import document, text
from dq.diagnose.findings import Confidence, Finding

__all__ = ["Confidence", "Diagnosis", "Finding", "diagnose", "document", "section_of", "text"]
