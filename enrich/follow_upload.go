package enrich

import (
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// upload is how an upload stands: the status of the row and the file's id, and
// when it is to be reported a note.
func (f *follow) upload() []incident.Effect {
	var effects []incident.Effect
	uploaded := ""
	for key := range rowsOf(f.Command) {
		h := f.heard[key.Cells["computer_id"].String()]
		status := f.uploadStatus(h)
		effects = append(effects, setCells(key, map[string]string{"file_upload_status": status, "file_id": h.fileID}))
		if status == wordCompleted {
			uploaded = h.fileID
		}
	}
	if !f.report {
		return effects
	}
	end := "SEPM has the file, whose id is " + incident.EscapeHTML(uploaded)
	if uploaded == "" {
		end = "SEPM does not have the file" + f.reasons()
		if f.Progress.State == incident.CommandEnded {
			end += ". Clients upload executable files only, and one that was remediated lies in the source QUARANTINE"
		}
	}
	return append(effects, f.note("Upload of <b>%s</b> from %s, command %s: %s; %s.", incident.EscapeHTML(f.Detail["file_path"]),
		targetNames(f.Computers), incident.EscapeHTML(f.IDs[0]), f.summary(), end))
}

func (f *follow) uploadStatus(h heard) string {
	switch {
	case h.state != sepclient.CommandCompleted:
		return f.unfinished(h)
	case h.fileID == "":
		return wordUnexpected + ": SEPM names no file"
	}
	return wordCompleted
}
