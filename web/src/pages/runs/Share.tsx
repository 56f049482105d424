import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, taken } from "../../api/client";
import { Button } from "../../ui/button";
import { Input } from "../../ui/field";
import { CopyButton } from "../../ui/json";
import { Dialog } from "../../ui/overlay";
import { Failure } from "../../ui/states";

export function Share(props: { executionId: string; open: boolean; onOpenChange: (open: boolean) => void }) {
  const { t } = useTranslation("runs");
  const made = useMutation({
    mutationFn: () =>
      taken(
        api.POST("/api/v1/executions/{execution_id}/share", {
          params: { path: { execution_id: props.executionId } },
          body: {},
        }),
      ),
  });
  const link = made.data ? new URL(made.data.url, location.origin).href : "";
  return (
    <Dialog
      open={props.open}
      onOpenChange={props.onOpenChange}
      title={t("run.share")}
      description={t("run.shareText")}
    >
      {made.isError && <Failure error={made.error} />}
      {made.data ? (
        <div className="flex items-center gap-2">
          <Input
            readOnly
            aria-label={t("run.share")}
            value={link}
            onFocus={(event) => event.target.select()}
          />
          <CopyButton text={() => link} />
        </div>
      ) : (
        <Button look="primary" busy={made.isPending} onClick={() => made.mutate()}>
          {t("run.shareDo")}
        </Button>
      )}
    </Dialog>
  );
}
