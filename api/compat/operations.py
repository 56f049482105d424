"""The operations of AutoGPT's internal API, as its OpenAPI file has them (`dev`, 2026-05-11), by group.

`docs/compatibility.md` is made from this list and from our routes, so that it always says what is there.
"""

from __future__ import annotations

import re

_TEXT = """
# Users and authentication
POST /api/auth/user
POST /api/auth/user/email
GET /api/auth/user/preferences
POST /api/auth/user/preferences
GET /api/auth/user/timezone
POST /api/auth/user/timezone
# Graphs
GET /api/graphs
POST /api/graphs
GET /api/graphs/{graph_id}
PUT /api/graphs/{graph_id}
DELETE /api/graphs/{graph_id}
GET /api/graphs/{graph_id}/versions
GET /api/graphs/{graph_id}/versions/{version}
PUT /api/graphs/{graph_id}/versions/active
PATCH /api/graphs/{graph_id}/settings
# Executions
POST /api/graphs/{graph_id}/execute/{graph_version}
GET /api/executions
GET /api/graphs/{graph_id}/executions
GET /api/graphs/{graph_id}/executions/{graph_exec_id}
POST /api/graphs/{graph_id}/executions/{graph_exec_id}/stop
DELETE /api/executions/{graph_exec_id}
POST /api/graphs/{graph_id}/executions/{graph_exec_id}/share
DELETE /api/graphs/{graph_id}/executions/{graph_exec_id}/share
GET /api/public/shared/{share_token}
GET /api/public/shared/{share_token}/files/{file_id}/download
# Human review
GET /api/review/pending
GET /api/review/execution/{graph_exec_id}
POST /api/review/action
# Schedules
POST /api/graphs/{graph_id}/schedules
GET /api/graphs/{graph_id}/schedules
GET /api/schedules
DELETE /api/schedules/{schedule_id}
# Blocks and builder
GET /api/blocks
POST /api/blocks/{block_id}/execute
GET /api/builder/blocks
GET /api/builder/blocks/batch
GET /api/builder/categories
GET /api/builder/counts
GET /api/builder/providers
GET /api/builder/search
GET /api/builder/suggestions
# Files and workspace
POST /api/files/upload
GET /api/workspace/files
POST /api/workspace/files/upload
DELETE /api/workspace/files/{file_id}
GET /api/workspace/files/{file_id}/download
GET /api/workspace/storage/usage
# Integrations
GET /api/integrations/credentials
GET /api/integrations/{provider}/credentials
POST /api/integrations/{provider}/credentials
GET /api/integrations/{provider}/credentials/{cred_id}
DELETE /api/integrations/{provider}/credentials/{cred_id}
POST /api/integrations/{provider}/credentials/{cred_id}/picker-token
GET /api/integrations/{provider}/login
POST /api/integrations/{provider}/callback
POST /api/integrations/{provider}/webhooks/{webhook_id}/ingress
POST /api/integrations/webhooks/{webhook_id}/ping
GET /api/integrations/providers
GET /api/integrations/providers/names
GET /api/integrations/providers/constants
GET /api/integrations/providers/enum-example
GET /api/integrations/providers/system
GET /api/integrations/ayrshare/sso_url
# MCP servers as integrations
POST /api/mcp/discover-tools
POST /api/mcp/oauth/login
POST /api/mcp/oauth/callback
POST /api/mcp/token
# Library
GET /api/library/agents
POST /api/library/agents
GET /api/library/agents/favorites
GET /api/library/agents/by-graph/{graph_id}
GET /api/library/agents/marketplace/{store_listing_version_id}
GET /api/library/agents/{library_agent_id}
PATCH /api/library/agents/{library_agent_id}
DELETE /api/library/agents/{library_agent_id}
POST /api/library/agents/{library_agent_id}/fork
GET /api/library/agents/{library_agent_id}/triggers
GET /api/library/folders
POST /api/library/folders
GET /api/library/folders/tree
GET /api/library/folders/{folder_id}
PATCH /api/library/folders/{folder_id}
DELETE /api/library/folders/{folder_id}
POST /api/library/folders/{folder_id}/move
POST /api/library/folders/agents/bulk-move
GET /api/library/presets
POST /api/library/presets
GET /api/library/presets/{preset_id}
PATCH /api/library/presets/{preset_id}
DELETE /api/library/presets/{preset_id}
POST /api/library/presets/{preset_id}/execute
POST /api/library/presets/setup-trigger
# Store
GET /api/store/agents
GET /api/store/agents/{username}/{agent_name}
POST /api/store/agents/{username}/{agent_name}/review
GET /api/store/creators
GET /api/store/creators/{username}
GET /api/store/listings/versions/{store_listing_version_id}
GET /api/store/listings/versions/{store_listing_version_id}/graph
GET /api/store/listings/versions/{store_listing_version_id}/graph/download
GET /api/store/search
GET /api/store/profile
POST /api/store/profile
GET /api/store/my-unpublished-agents
GET /api/store/submissions
POST /api/store/submissions
PUT /api/store/submissions/{store_listing_version_id}
DELETE /api/store/submissions/{submission_id}
POST /api/store/submissions/media
POST /api/store/submissions/generate_image
GET /api/store/metrics/cache
# API keys and OAuth provider
GET /api/api-keys
POST /api/api-keys
GET /api/api-keys/{key_id}
DELETE /api/api-keys/{key_id}
POST /api/api-keys/{key_id}/suspend
PUT /api/api-keys/{key_id}/permissions
GET /api/oauth/app/{client_id}
GET /api/oauth/apps/mine
PATCH /api/oauth/apps/{app_id}/status
PATCH /api/oauth/apps/{app_id}/logo
POST /api/oauth/apps/{app_id}/logo/upload
POST /api/oauth/authorize
POST /api/oauth/token
POST /api/oauth/introspect
POST /api/oauth/revoke
# Credits and billing
GET /api/credits
POST /api/credits
PATCH /api/credits
GET /api/credits/transactions
POST /api/credits/{transaction_key}/refund
GET /api/credits/refunds
GET /api/credits/auto-top-up
POST /api/credits/auto-top-up
GET /api/credits/invoices
GET /api/credits/manage
GET /api/credits/subscription
POST /api/credits/subscription
POST /api/credits/stripe_webhook
# Notifications, push, e-mail
GET /api/push/vapid-key
POST /api/push/subscribe
POST /api/push/unsubscribe
POST /api/email/
POST /api/email/unsubscribe
# Onboarding
GET /api/onboarding
PATCH /api/onboarding
GET /api/onboarding/agents
GET /api/onboarding/completed
POST /api/onboarding/profile
POST /api/onboarding/reset
POST /api/onboarding/step
# Chat (AutoPilot) and helpers
GET /api/chat/sessions
POST /api/chat/sessions
GET /api/chat/sessions/{session_id}
DELETE /api/chat/sessions/{session_id}
PATCH /api/chat/sessions/{session_id}/title
PATCH /api/chat/sessions/{session_id}/assign-user
POST /api/chat/sessions/{session_id}/stream
GET /api/chat/sessions/{session_id}/stream
DELETE /api/chat/sessions/{session_id}/stream
POST /api/chat/sessions/{session_id}/cancel
GET /api/chat/sessions/{session_id}/messages/pending
POST /api/chat/sessions/{session_id}/messages/pending
GET /api/chat/suggested-prompts
GET /api/chat/usage
POST /api/chat/usage/reset
GET /api/chat/config/ttl
GET /api/chat/health
GET /api/chat/schema/tool-responses
POST /api/otto/ask
# Chat-platform linking
GET /api/platform-linking/links
DELETE /api/platform-linking/links/{link_id}
POST /api/platform-linking/tokens/{token}/confirm
GET /api/platform-linking/tokens/{token}/info
GET /api/platform-linking/user-links
DELETE /api/platform-linking/user-links/{link_id}
POST /api/platform-linking/user-tokens/{token}/confirm
# Analytics and health
POST /api/analytics/log_raw_metric
POST /api/analytics/log_raw_analytics
GET /health
# Admin
GET /api/store/admin/listings
POST /api/store/admin/submissions/{store_listing_version_id}/review
GET /api/store/admin/submissions/download/{store_listing_version_id}
GET /api/store/admin/submissions/{store_listing_version_id}/preview
POST /api/store/admin/submissions/{store_listing_version_id}/add-to-library
POST /api/credits/admin/add_credits
GET /api/credits/admin/users_history
GET /api/credits/admin/transactions/export
GET /api/credits/admin/copilot-usage/export
POST /api/executions/admin/execution_analytics
GET /api/executions/admin/execution_analytics/config
GET /api/executions/admin/execution_accuracy_trends
GET /api/admin/blocks/cost-estimates
GET /api/admin/platform-costs/dashboard
GET /api/admin/platform-costs/logs
GET /api/admin/platform-costs/logs/export
GET /api/copilot/admin/rate_limit
POST /api/copilot/admin/rate_limit/reset
GET /api/copilot/admin/rate_limit/tier
POST /api/copilot/admin/rate_limit/tier
GET /api/copilot/admin/rate_limit/search_users
GET /api/admin/diagnostics/agents
GET /api/admin/diagnostics/executions
GET /api/admin/diagnostics/executions/running
GET /api/admin/diagnostics/executions/orphaned
GET /api/admin/diagnostics/executions/failed
GET /api/admin/diagnostics/executions/long-running
GET /api/admin/diagnostics/executions/stuck-queued
GET /api/admin/diagnostics/executions/invalid
POST /api/admin/diagnostics/executions/requeue
POST /api/admin/diagnostics/executions/requeue-bulk
POST /api/admin/diagnostics/executions/requeue-all-stuck
POST /api/admin/diagnostics/executions/stop
POST /api/admin/diagnostics/executions/stop-bulk
POST /api/admin/diagnostics/executions/stop-all-long-running
POST /api/admin/diagnostics/executions/cleanup-orphaned
POST /api/admin/diagnostics/executions/cleanup-all-orphaned
POST /api/admin/diagnostics/executions/cleanup-all-stuck-queued
GET /api/admin/diagnostics/schedules
GET /api/admin/diagnostics/schedules/all
GET /api/admin/diagnostics/schedules/orphaned
POST /api/admin/diagnostics/schedules/cleanup-orphaned
"""

_PLACE = re.compile(r"\{[^}]*\}")


def operations() -> list[tuple[str, str, str]]:
    """Return group, method and path of each."""
    found, group = [], ""
    for line in _TEXT.strip().splitlines():
        if line.startswith("# "):
            group = line[2:]
        else:
            method, path = line.split(" ")
            found.append((group, method, path))
    return found


def same(path: str) -> str:
    """Return a path in which the names of its parameters do not matter."""
    return _PLACE.sub("{}", path)
