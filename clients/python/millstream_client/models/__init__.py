"""Contains all the data models used in inputs/outputs"""

from .accept_in import AcceptIn
from .again_in import AgainIn
from .answered_out import AnsweredOut
from .answered_out_answer_type_0 import AnsweredOutAnswerType0
from .api_key_in import ApiKeyIn
from .auth_code_in import AuthCodeIn
from .block_out import BlockOut
from .block_out_categories_item import BlockOutCategoriesItem
from .block_out_contributors_item import BlockOutContributorsItem
from .block_out_costs_item import BlockOutCostsItem
from .block_out_inputschema import BlockOutInputschema
from .block_out_outputschema import BlockOutOutputschema
from .body_upload_file import BodyUploadFile
from .callback_in import CallbackIn
from .config_out import ConfigOut
from .config_out_sign_up import ConfigOutSignUp
from .confirm_in import ConfirmIn
from .connect_in import ConnectIn
from .connect_out import ConnectOut
from .credential_out import CredentialOut
from .credential_out_type import CredentialOutType
from .credentials_page import CredentialsPage
from .credentials_provider_out import CredentialsProviderOut
from .deleted import Deleted
from .deleted_out import DeletedOut
from .email_in import EmailIn
from .event_out import EventOut
from .event_out_detail_type_0 import EventOutDetailType0
from .event_page import EventPage
from .execute_in import ExecuteIn
from .execute_in_credentials_inputs import ExecuteInCredentialsInputs
from .execute_in_credentials_inputs_additional_property_type_1 import (
    ExecuteInCredentialsInputsAdditionalPropertyType1,
)
from .execute_in_inputs import ExecuteInInputs
from .execute_in_nodes_input_masks_type_0 import ExecuteInNodesInputMasksType0
from .execute_in_nodes_input_masks_type_0_additional_property import (
    ExecuteInNodesInputMasksType0AdditionalProperty,
)
from .execution_head import ExecutionHead
from .execution_head_failure_type_0 import ExecutionHeadFailureType0
from .execution_head_kind import ExecutionHeadKind
from .execution_head_reason_type_0 import ExecutionHeadReasonType0
from .execution_head_stats import ExecutionHeadStats
from .execution_head_status import ExecutionHeadStatus
from .execution_head_verdict_type_0 import ExecutionHeadVerdictType0
from .execution_out import ExecutionOut
from .execution_out_credential_inputs_type_0 import ExecutionOutCredentialInputsType0
from .execution_out_credential_inputs_type_0_additional_property import (
    ExecutionOutCredentialInputsType0AdditionalProperty,
)
from .execution_out_failure_type_0 import ExecutionOutFailureType0
from .execution_out_inputs import ExecutionOutInputs
from .execution_out_kind import ExecutionOutKind
from .execution_out_nodes_input_masks_type_0 import ExecutionOutNodesInputMasksType0
from .execution_out_outputs import ExecutionOutOutputs
from .execution_out_reason_type_0 import ExecutionOutReasonType0
from .execution_out_stats import ExecutionOutStats
from .execution_out_status import ExecutionOutStatus
from .execution_out_verdict_type_0 import ExecutionOutVerdictType0
from .execution_page import ExecutionPage
from .file_out import FileOut
from .file_page import FilePage
from .get_usage_by import GetUsageBy
from .graph import Graph
from .graph_head_out import GraphHeadOut
from .graph_out import GraphOut
from .graph_out_credentials_input_schema import GraphOutCredentialsInputSchema
from .graph_out_input_schema import GraphOutInputSchema
from .graph_out_output_schema import GraphOutOutputSchema
from .graph_out_trigger_setup_info_type_0 import GraphOutTriggerSetupInfoType0
from .graph_page import GraphPage
from .graph_versions import GraphVersions
from .host_scoped_in import HostScopedIn
from .host_scoped_in_headers import HostScopedInHeaders
from .invitation_out import InvitationOut
from .invitations_out import InvitationsOut
from .key_in import KeyIn
from .key_out import KeyOut
from .keys_out import KeysOut
from .line_out import LineOut
from .line_out_error_type_0 import LineOutErrorType0
from .link import Link
from .list_executions_kind import ListExecutionsKind
from .list_executions_status_type_0_item import ListExecutionsStatusType0Item
from .list_executions_verdict_type_0 import ListExecutionsVerdictType0
from .logged_in import LoggedIn
from .login_in import LoginIn
from .me_out import MeOut
from .me_out_kind import MeOutKind
from .member_out import MemberOut
from .members_out import MembersOut
from .new_email_in import NewEmailIn
from .new_key_out import NewKeyOut
from .new_password_in import NewPasswordIn
from .node import Node
from .node_execution_out import NodeExecutionOut
from .node_execution_out_failure_type_0 import NodeExecutionOutFailureType0
from .node_execution_out_input_data import NodeExecutionOutInputData
from .node_execution_out_output_data import NodeExecutionOutOutputData
from .node_execution_out_reason_type_0 import NodeExecutionOutReasonType0
from .node_execution_out_stats_type_0 import NodeExecutionOutStatsType0
from .node_execution_out_status import NodeExecutionOutStatus
from .node_input_default import NodeInputDefault
from .node_metadata import NodeMetadata
from .node_out import NodeOut
from .node_out_input_default import NodeOutInputDefault
from .node_out_metadata import NodeOutMetadata
from .o_auth_2_in import OAuth2In
from .org_in import OrgIn
from .org_out import OrgOut
from .org_role import OrgRole
from .orgs_invite_in import OrgsInviteIn
from .orgs_out import OrgsOut
from .outputs_out import OutputsOut
from .outputs_out_outputs import OutputsOutOutputs
from .outputs_out_status import OutputsOutStatus
from .outputs_out_verdict_type_0 import OutputsOutVerdictType0
from .preset_change import PresetChange
from .preset_change_credentials_inputs import PresetChangeCredentialsInputs
from .preset_change_credentials_inputs_additional_property_type_1 import (
    PresetChangeCredentialsInputsAdditionalPropertyType1,
)
from .preset_change_inputs import PresetChangeInputs
from .preset_change_nodes_input_masks_type_0 import PresetChangeNodesInputMasksType0
from .preset_change_nodes_input_masks_type_0_additional_property import (
    PresetChangeNodesInputMasksType0AdditionalProperty,
)
from .preset_in import PresetIn
from .preset_in_credentials_inputs import PresetInCredentialsInputs
from .preset_in_credentials_inputs_additional_property_type_1 import (
    PresetInCredentialsInputsAdditionalPropertyType1,
)
from .preset_in_inputs import PresetInInputs
from .preset_in_nodes_input_masks_type_0 import PresetInNodesInputMasksType0
from .preset_in_nodes_input_masks_type_0_additional_property import (
    PresetInNodesInputMasksType0AdditionalProperty,
)
from .preset_out import PresetOut
from .preset_out_credentials_inputs import PresetOutCredentialsInputs
from .preset_out_inputs import PresetOutInputs
from .preset_out_nodes_input_masks_type_0 import PresetOutNodesInputMasksType0
from .preset_page import PresetPage
from .problem import Problem
from .problem_out import ProblemOut
from .profile_in import ProfileIn
from .providers_out import ProvidersOut
from .publish_in import PublishIn
from .ran_out import RanOut
from .recovery_out import RecoveryOut
from .refresh_in import RefreshIn
from .register_in import RegisterIn
from .registered_out import RegisteredOut
from .registered_out_status import RegisteredOutStatus
from .remove_totp_in import RemoveTotpIn
from .rename_in import RenameIn
from .reset_in import ResetIn
from .review_in import ReviewIn
from .review_out import ReviewOut
from .review_out_answer_type_0 import ReviewOutAnswerType0
from .review_out_status import ReviewOutStatus
from .role import Role
from .role_in import RoleIn
from .run_in import RunIn
from .run_in_inputs import RunInInputs
from .run_preset_in import RunPresetIn
from .run_preset_in_credentials_inputs import RunPresetInCredentialsInputs
from .run_preset_in_credentials_inputs_additional_property_type_1 import (
    RunPresetInCredentialsInputsAdditionalPropertyType1,
)
from .run_preset_in_inputs import RunPresetInInputs
from .scope import Scope
from .session_out import SessionOut
from .session_out_kind import SessionOutKind
from .sessions_out import SessionsOut
from .share_in import ShareIn
from .share_out import ShareOut
from .shared_out import SharedOut
from .shared_out_outputs import SharedOutOutputs
from .shared_out_status import SharedOutStatus
from .sso_provider_out import SsoProviderOut
from .stop_in import StopIn
from .sub_graph import SubGraph
from .sub_graph_out import SubGraphOut
from .summary_out import SummaryOut
from .summary_out_stopped_type_0 import SummaryOutStoppedType0
from .token_in import TokenIn
from .tokens_out import TokensOut
from .totp_out import TotpOut
from .usage_out import UsageOut
from .usage_sums import UsageSums
from .user_in import UserIn
from .user_out import UserOut
from .user_password_in import UserPasswordIn
from .users_invite_in import UsersInviteIn
from .users_out import UsersOut
from .validated import Validated
from .verify_in import VerifyIn

__all__ = (
    "AcceptIn",
    "AgainIn",
    "AnsweredOut",
    "AnsweredOutAnswerType0",
    "ApiKeyIn",
    "AuthCodeIn",
    "BlockOut",
    "BlockOutCategoriesItem",
    "BlockOutContributorsItem",
    "BlockOutCostsItem",
    "BlockOutInputschema",
    "BlockOutOutputschema",
    "BodyUploadFile",
    "CallbackIn",
    "ConfigOut",
    "ConfigOutSignUp",
    "ConfirmIn",
    "ConnectIn",
    "ConnectOut",
    "CredentialOut",
    "CredentialOutType",
    "CredentialsPage",
    "CredentialsProviderOut",
    "Deleted",
    "DeletedOut",
    "EmailIn",
    "EventOut",
    "EventOutDetailType0",
    "EventPage",
    "ExecuteIn",
    "ExecuteInCredentialsInputs",
    "ExecuteInCredentialsInputsAdditionalPropertyType1",
    "ExecuteInInputs",
    "ExecuteInNodesInputMasksType0",
    "ExecuteInNodesInputMasksType0AdditionalProperty",
    "ExecutionHead",
    "ExecutionHeadFailureType0",
    "ExecutionHeadKind",
    "ExecutionHeadReasonType0",
    "ExecutionHeadStats",
    "ExecutionHeadStatus",
    "ExecutionHeadVerdictType0",
    "ExecutionOut",
    "ExecutionOutCredentialInputsType0",
    "ExecutionOutCredentialInputsType0AdditionalProperty",
    "ExecutionOutFailureType0",
    "ExecutionOutInputs",
    "ExecutionOutKind",
    "ExecutionOutNodesInputMasksType0",
    "ExecutionOutOutputs",
    "ExecutionOutReasonType0",
    "ExecutionOutStats",
    "ExecutionOutStatus",
    "ExecutionOutVerdictType0",
    "ExecutionPage",
    "FileOut",
    "FilePage",
    "GetUsageBy",
    "Graph",
    "GraphHeadOut",
    "GraphOut",
    "GraphOutCredentialsInputSchema",
    "GraphOutInputSchema",
    "GraphOutOutputSchema",
    "GraphOutTriggerSetupInfoType0",
    "GraphPage",
    "GraphVersions",
    "HostScopedIn",
    "HostScopedInHeaders",
    "InvitationOut",
    "InvitationsOut",
    "KeyIn",
    "KeyOut",
    "KeysOut",
    "LineOut",
    "LineOutErrorType0",
    "Link",
    "ListExecutionsKind",
    "ListExecutionsStatusType0Item",
    "ListExecutionsVerdictType0",
    "LoggedIn",
    "LoginIn",
    "MemberOut",
    "MembersOut",
    "MeOut",
    "MeOutKind",
    "NewEmailIn",
    "NewKeyOut",
    "NewPasswordIn",
    "Node",
    "NodeExecutionOut",
    "NodeExecutionOutFailureType0",
    "NodeExecutionOutInputData",
    "NodeExecutionOutOutputData",
    "NodeExecutionOutReasonType0",
    "NodeExecutionOutStatsType0",
    "NodeExecutionOutStatus",
    "NodeInputDefault",
    "NodeMetadata",
    "NodeOut",
    "NodeOutInputDefault",
    "NodeOutMetadata",
    "OAuth2In",
    "OrgIn",
    "OrgOut",
    "OrgRole",
    "OrgsInviteIn",
    "OrgsOut",
    "OutputsOut",
    "OutputsOutOutputs",
    "OutputsOutStatus",
    "OutputsOutVerdictType0",
    "PresetChange",
    "PresetChangeCredentialsInputs",
    "PresetChangeCredentialsInputsAdditionalPropertyType1",
    "PresetChangeInputs",
    "PresetChangeNodesInputMasksType0",
    "PresetChangeNodesInputMasksType0AdditionalProperty",
    "PresetIn",
    "PresetInCredentialsInputs",
    "PresetInCredentialsInputsAdditionalPropertyType1",
    "PresetInInputs",
    "PresetInNodesInputMasksType0",
    "PresetInNodesInputMasksType0AdditionalProperty",
    "PresetOut",
    "PresetOutCredentialsInputs",
    "PresetOutInputs",
    "PresetOutNodesInputMasksType0",
    "PresetPage",
    "Problem",
    "ProblemOut",
    "ProfileIn",
    "ProvidersOut",
    "PublishIn",
    "RanOut",
    "RecoveryOut",
    "RefreshIn",
    "RegisteredOut",
    "RegisteredOutStatus",
    "RegisterIn",
    "RemoveTotpIn",
    "RenameIn",
    "ResetIn",
    "ReviewIn",
    "ReviewOut",
    "ReviewOutAnswerType0",
    "ReviewOutStatus",
    "Role",
    "RoleIn",
    "RunIn",
    "RunInInputs",
    "RunPresetIn",
    "RunPresetInCredentialsInputs",
    "RunPresetInCredentialsInputsAdditionalPropertyType1",
    "RunPresetInInputs",
    "Scope",
    "SessionOut",
    "SessionOutKind",
    "SessionsOut",
    "SharedOut",
    "SharedOutOutputs",
    "SharedOutStatus",
    "ShareIn",
    "ShareOut",
    "SsoProviderOut",
    "StopIn",
    "SubGraph",
    "SubGraphOut",
    "SummaryOut",
    "SummaryOutStoppedType0",
    "TokenIn",
    "TokensOut",
    "TotpOut",
    "UsageOut",
    "UsageSums",
    "UserIn",
    "UserOut",
    "UserPasswordIn",
    "UsersInviteIn",
    "UsersOut",
    "Validated",
    "VerifyIn",
)
