package enrich

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// deleteBlacklist is the guide's "Delete Blacklist" (§5.12).
func deleteBlacklist() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "delete_blacklist",
			Title: "Example: SEP - Delete Blacklist",
			Help:  "Deletes the fingerprint list: its row says so, and a note. A list that is assigned to groups is deleted only with confirm.",
			On:    incident.OnRow,
			Table: incident.TableFingerprints,
			When: []incident.Condition{
				{Column: "list_id", Test: incident.HasValue},
				{Column: "hash_values", Test: incident.IsNot, Values: []string{deleted}},
			},
			Form:    []incident.InputDef{confirmField()},
			Changes: true,
		},
		Decide: deleteList,
	}
}

func deleteList(ctx context.Context, p Plan) (incident.Step, error) {
	id, name := p.Subject.Cell("list_id"), p.Subject.Cell("list_name")
	gone := func(how string) (incident.Step, error) {
		return incident.Step{Effects: []incident.Effect{
			{Row: deletedRow(id, name, p.Now)},
			p.remark("The fingerprint list <b>%s</b> %s.", cmp.Or(name, id), how),
		}}, nil
	}
	if n := len(p.Answers); n > 0 {
		switch a := p.Answers[n-1]; {
		case a.Error == "":
			return gone("was deleted")
		case a.Status == http.StatusGone || a.Status == http.StatusNotFound:
			return gone("is not there any more: somebody else has deleted it")
		default:
			return incident.Step{}, mistake("SEPM has refused to delete the fingerprint list: %s", a.Error)
		}
	}
	list, err := listByID(ctx, p, id)
	switch {
	case err != nil:
		return incident.Step{}, err
	case list.ID == "":
		return gone("is not there any more: somebody else has deleted it")
	}
	var domain sepclient.Domain
	if of := p.Subject.Cell("domain_name"); of != "" {
		domain, err = domainNamed(ctx, p, of)
		var unknown *Mistake
		if err != nil && !errors.As(err, &unknown) {
			return incident.Step{}, err
		}
	}
	if err := p.mayDelete(ctx, list, domain); err != nil {
		return incident.Step{}, err
	}
	return incident.Step{Call: newCall(incident.OpDeleteList, incident.Target{Object: list.ID}, nil)}, nil
}
