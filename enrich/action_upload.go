package enrich

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// uploadArtifact is the guide's "Upload file to SEPM server" (§5.2).
func uploadArtifact() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "upload_file",
			Title: "Example: SEP - Upload file to SEPM server",
			Help:  "Has the endpoint of the row upload the file to SEPM, and follows that until the file's id is there. Clients upload executable files only.",
			On:    incident.OnRow, Table: incident.TableScanResults,
			When: append(onMatch(sepclient.HashMatch, sepclient.FullMatch, sepclient.PartialMatch),
				incident.Condition{Column: "computer_id", Test: incident.HasValue},
				incident.Condition{Column: "file_path", Test: incident.HasValue},
				incident.Condition{Column: "hash_value", Test: incident.HasValue},
				incident.Condition{Column: "file_upload_status", Test: incident.Lacks, Values: append(wordsUnderWay(), wordCompleted)},
			),
			Form: []incident.InputDef{
				{Name: "source", Type: incident.InputSelect, Required: true, Default: string(sepclient.Filesystem),
					Values: []string{string(sepclient.Filesystem), string(sepclient.InVault), string(sepclient.Anywhere)},
					Help:   "Where the endpoint looks for the file: on its disks, in its quarantine of files, or in both."},
			},
			Changes: true,
		},
		Decide: func(ctx context.Context, p Plan) (incident.Step, error) {
			if len(p.Answers) == 0 {
				return uploadCall(ctx, p)
			}
			return uploadStarted(p)
		},
	}
}

func uploadCall(ctx context.Context, p Plan) (incident.Step, error) {
	hash, err := sepclient.ParseFileHash(p.Subject.Cell("hash_value"))
	if err != nil {
		return incident.Step{}, mistake("the row's hash_value: %v", err)
	}
	if err := p.windowsOnly(ctx); err != nil {
		return incident.Step{}, err
	}
	return incident.Step{Call: newCall(incident.OpUpload, incident.Target{Computers: []string{p.Subject.Cell("computer_id")}}, uploadBody{
		Path: p.Subject.Cell("file_path"), Kind: hash.Kind, Hash: hash.Value, Source: sepclient.FileSource(p.Input["source"]),
	})}, nil
}

func uploadStarted(p Plan) (incident.Step, error) {
	id, name := p.Subject.Cell("computer_id"), p.Subject.Cell("computer_name")
	c, err := p.begun(incident.Upload, map[string]string{id: name})
	if err != nil {
		return incident.Step{}, err
	}
	key := p.Subject.Row.Key()
	c.Row = &key
	c.Detail = map[string]string{"file_path": p.Subject.Cell("file_path"), "hash_value": p.Subject.Cell("hash_value")}
	return incident.Step{Effects: []incident.Effect{
		setCells(key, map[string]string{"upload_commandid": c.IDs[0], "file_upload_status": wordInProgress}),
		{Note: &incident.Note{
			Key: "upload started: " + c.IDs[0],
			Text: fmt.Sprintf("Upload of <b>%s</b> from %s (%s) was started: command %s.", incident.EscapeHTML(c.Detail["file_path"]),
				targetNames(c.Computers), p.Input["source"], incident.EscapeHTML(strings.Join(c.IDs, ", "))),
		}},
		{Follow: c},
	}}, nil
}

// getUploadStatus is the guide's "Get Upload status" (§5.13).
func getUploadStatus() Action {
	return statusAction(incident.Upload, "upload_commandid", incident.ActionDef{
		Name:  "get_upload_status",
		Title: "Example: SEP - Get Upload status",
		Help:  "Asks SEPM how the upload stands now, and for the file's id.",
		When: []incident.Condition{
			{Column: "upload_commandid", Test: incident.HasValue},
			{Column: "file_upload_status", Test: incident.Contains, Values: slices.Concat(wordsUnderWay(), wordsTimedOut())},
		},
	})
}
