package enrich

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

const (
	// maxInCell is how many hashes or groups of a list one cell has: some 30 kB
	// of SHA-256.
	maxInCell = 500
	// maxNamed is how many groups are looked up to be named.
	maxNamed = 10
	// deleted stands in the row of a list that was deleted.
	deleted = "Deleted"
)

// listActions are the actions on fingerprint lists and groups, and fn_sep's
// later ones on commands, critical events and policies.
func listActions() []Action {
	return []Action{
		getBlacklistInformation(), addHashToBlacklist(), deleteHashFromBlacklist(),
		getGroupsInformation(), assignBlacklist(), deleteBlacklist(),
		cancelACommand(), getCriticalEventsInfo(),
		getPolicySummaryNote(), getExceptionsPolicyNote(), getFirewallPolicyNote(),
	}
}

// getBlacklistInformation is the guide's "Get Blacklist information" (§5.7).
func getBlacklistInformation() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "get_blacklist_information",
			Title: "Example: SEP - Get Blacklist information",
			Help:  "Looks up a fingerprint list: its row, and where it has more than results_limit files a CSV file of all.",
			On:    incident.OnIncident,
			Form:  []incident.InputDef{domainField(), listField()},
		},
		Decide: blacklistInformation,
	}
}

func blacklistInformation(ctx context.Context, p Plan) (incident.Step, error) {
	list, domain, err := p.blacklist(ctx)
	switch {
	case err != nil:
		return incident.Step{}, err
	case list.ID == "":
		return incident.Step{Effects: []incident.Effect{p.noList(domain)}}, nil
	}
	groups, err := groupPaths(ctx, p, list, domain)
	if err != nil {
		return incident.Step{}, err
	}
	effects := []incident.Effect{{Row: p.listRow(list, domain)}}
	more := markup("")
	if limit := p.Results; limit > 0 && len(list.Files) > limit || len(list.Files) > maxInCell {
		file := listFile(list).attachment(p.key("file"), p.fileName("SEP_fingerprint_list", "csv"))
		effects = append(effects, incident.Effect{Attachment: file})
		more = markup(" All of them are in the attachment " + file.Name + ".")
	}
	return incident.Step{Effects: append(effects, p.remark("The fingerprint list <b>%s</b> of the SEP domain <b>%s</b> has %s, and %s.%s",
		list.Name, domain.Name, contents(list), assigned(groups), more))}, nil
}

// listField is where a form asks for a fingerprint list.
func listField() incident.InputDef {
	return incident.InputDef{
		Name: "list", Type: incident.InputText, Required: true, Choices: incident.Lists,
		Help: "Name of the fingerprint list (blacklist).",
	}
}

// confirmField is where a form asks whether a list is to be deleted that a
// group's lockdown still denies files by.
func confirmField() incident.InputDef {
	return incident.InputDef{
		Name: "confirm", Type: incident.InputBoolean, Default: "false",
		Help: "Delete the list even while it is assigned to the system lockdown of groups.",
	}
}

// blacklist is the list that the form names. It has no id where the domain has
// no such list.
func (p Plan) blacklist(ctx context.Context) (sepclient.FingerprintList, sepclient.Domain, error) {
	domain, err := domainNamed(ctx, p, p.Input["domain"])
	if err != nil {
		return sepclient.FingerprintList{}, domain, err
	}
	list, err := listNamed(ctx, p, p.listName(), domain)
	return list, domain, err
}

// listName is the name of the list in the form.
func (p Plan) listName() string { return strings.TrimSpace(p.Input["list"]) }

// listNamed is the list of a name in a domain, without an id where there is
// none.
func listNamed(ctx context.Context, sepm Reader, name string, domain sepclient.Domain) (sepclient.FingerprintList, error) {
	list, err := sepm.FingerprintListByName(ctx, name, domain.ID)
	switch {
	case errors.Is(err, sepclient.ErrNotFound):
		return sepclient.FingerprintList{}, nil
	case err != nil:
		return list, fmt.Errorf("look up the fingerprint list %q of the domain %q: %w", name, domain.Name, err)
	case !strings.EqualFold(list.Name, name): // nothing is done to another one
		return list, mistake("SEPM was asked for the fingerprint list %q and gave another one, %q", shortened(name), shortened(list.Name))
	}
	return list, nil
}

// listByID is the list of an id, without an id where there is none.
func listByID(ctx context.Context, sepm Reader, id string) (sepclient.FingerprintList, error) {
	list, err := sepm.FingerprintList(ctx, id)
	switch {
	case errors.Is(err, sepclient.ErrNotFound):
		return sepclient.FingerprintList{}, nil
	case err != nil:
		return list, fmt.Errorf("look up the fingerprint list %s: %w", id, err)
	}
	return list, nil
}

func (p Plan) noList(domain sepclient.Domain) incident.Effect {
	return p.remark("The SEP domain <b>%s</b> has no fingerprint list <b>%s</b>.", domain.Name, p.listName())
}

// listRow is the row of a list as SEPM has it now.
func (p Plan) listRow(l sepclient.FingerprintList, domain sepclient.Domain) *incident.Row {
	hashes := make([]string, len(l.Files))
	for i, f := range l.Files {
		hashes[i] = strings.TrimSpace(f.MD5 + " " + f.SHA256)
	}
	most := maxInCell
	if p.Results > 0 {
		most = min(most, p.Results)
	}
	row := &incident.Row{Table: incident.TableFingerprints, Cells: map[string]incident.Cell{
		"query_execution_date": incident.Text(moment(p.Now)),
		"list_id":              textCell(l.ID),
		"list_name":            textCell(l.Name),
		"list_description":     textCell(l.Description),
		"hash_values":          incident.Text(incident.Clean(joined(hashes, most))),
		"group_ids":            incident.Text(incident.Clean(joined(l.GroupIDs, maxInCell))),
	}}
	if domain.Name != "" {
		row.Cells["domain_name"] = textCell(domain.Name)
	}
	for _, column := range []string{"hash_values", "group_ids"} {
		if row.Cells[column].String() == "" {
			row.Cells[column] = incident.Cell{}
		}
	}
	return row
}

// deletedRow is the row of a list that is gone. It keeps the id, which is its
// key, and the name.
func deletedRow(id, name string, now time.Time) *incident.Row {
	return &incident.Row{Table: incident.TableFingerprints, Cells: map[string]incident.Cell{
		"query_execution_date": incident.Text(moment(now)),
		"list_id":              textCell(id),
		"list_name":            textCell(name),
		"list_description":     incident.Text(deleted),
		"hash_values":          incident.Text(deleted),
		"group_ids":            {},
	}}
}

func listFile(l sepclient.FingerprintList) *csvFile {
	f := newCSVFile("MD5", "SHA-256")
	for _, file := range l.Files {
		f.add(file.MD5, file.SHA256)
	}
	return f
}

// contents says what a list has in it.
func contents(l sepclient.FingerprintList) string {
	md5, sha256 := 0, 0
	for _, f := range l.Files {
		if f.MD5 != "" {
			md5++
		}
		if f.SHA256 != "" {
			sha256++
		}
	}
	text := fmt.Sprintf("%s (%d MD5, %d SHA-256)", amount(len(l.Files), "file"), md5, sha256)
	if n := len(l.Unknown); n > 0 {
		text += fmt.Sprintf(" and %d of what is neither", n)
	}
	return text
}

// groupPaths are the groups that a list is assigned to, by their full paths, or
// by id where there are many, and where SEPM does not know one.
func groupPaths(ctx context.Context, sepm Reader, l sepclient.FingerprintList, domain sepclient.Domain) ([]string, error) {
	paths := slices.Clone(l.GroupIDs)
	for i, id := range paths[:min(len(paths), maxNamed)] {
		group, err := sepm.Group(ctx, id, domain.ID)
		switch {
		case errors.Is(err, sepclient.ErrNotFound):
		case err != nil:
			return nil, fmt.Errorf("look up the group %s of the fingerprint list %q: %w", id, l.Name, err)
		default:
			paths[i] = group.FullPath
		}
	}
	return paths, nil
}

// assigned says which groups a list is assigned to.
func assigned(paths []string) string {
	if len(paths) == 0 {
		return "is assigned to no group"
	}
	return "is assigned to the system lockdown of " + joined(paths, maxNamed)
}

// mayDelete refuses to delete a list by which groups deny files, unless the
// form confirms it.
func (p Plan) mayDelete(ctx context.Context, l sepclient.FingerprintList, domain sepclient.Domain) error {
	if len(l.GroupIDs) == 0 || p.Input["confirm"] == "true" {
		return nil
	}
	paths, err := groupPaths(ctx, p, l, domain)
	if err != nil {
		return err
	}
	return mistake("nothing was changed: the fingerprint list %q would be deleted, and it %s. "+
		"Deleting it takes it from there, so that files it denies may run again; start the action with confirm to do so all the same",
		shortened(l.Name), assigned(paths))
}

// refusedBefore is SEPM's refusal of the very call, nil for none: what a plan
// wants after a refusal it wants because something else has changed since, such
// as a list that somebody has made meanwhile.
func (p Plan) refusedBefore(next *incident.Call) error {
	for _, a := range p.Answers {
		if a.Error != "" && a.Call.Operation == next.Operation && a.Call.Target.Object == next.Target.Object &&
			string(a.Call.Body) == string(next.Body) {
			return mistake("SEPM has refused it: %s", a.Error)
		}
	}
	return nil
}

// done is the run's last answer where SEPM has done what was asked, nil where
// it has not, or nothing was asked yet.
func (p Plan) done() *incident.Answer {
	if n := len(p.Answers); n > 0 && p.Answers[n-1].Error == "" {
		return &p.Answers[n-1]
	}
	return nil
}
