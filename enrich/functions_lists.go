package enrich

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// What the functions of fingerprint lists take.
func listIDInput() incident.InputDef {
	return incident.InputDef{Name: "sep_fingerprintlist_id", Type: incident.InputText, Help: "ID of SEP fingerprint list."}
}

func listNameInput() incident.InputDef {
	return incident.InputDef{Name: "sep_fingerprintlist_name", Type: incident.InputText, Help: "Name of a SEP fingerprint list."}
}

func listDomainInput() incident.InputDef {
	return incident.InputDef{Name: "sep_domainid", Type: incident.InputText, Help: "SEPM domain ID."}
}

func listContentInputs() []incident.InputDef {
	return []incident.InputDef{
		{Name: "sep_description", Type: incident.InputText, Help: "SEP object description."},
		listDomainInput(),
		{Name: "sep_hash_value", Type: incident.InputText, Help: "Hash value. Can be MD5 or SHA256."},
	}
}

// loginDomain is what counts without a domain.
func loginDomain() map[string]string {
	return map[string]string{"sep_domainid": "the login's domain"}
}

// refusalKeys describe what SEPM's refusal looks like.
func refusalKeys(status string) KeyDef {
	return KeyDef{Name: "errorCode, appErrorCode, errorMessage", Help: "In place of all else: SEPM's refusal with the status " + status + "."}
}

// getFingerprintList is "SEP - Get Fingerprint List" (guide §5.7).
func getFingerprintList() Function {
	domain := listDomainInput()
	domain.Required = true
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_get_fingerprint_list", Title: "SEP - Get Fingerprint List",
			Help:   "The fingerprint list of a name or an id, with its hashes. SEPM has no list of lists.",
			Inputs: []incident.InputDef{domain, listIDInput(), listNameInput()},
		},
		Keys: []KeyDef{
			{Name: "id, name, description, source, groupIds", Help: "The list; groupIds are the groups it is assigned to."},
			{Name: "hashType", Help: "MD5 or SHA256, where all hashes are of that kind."},
			{Name: "data[]", Help: "The hashes: texts where there is a hashType, otherwise a map of MD5 and SHA256 for each file."},
			refusalKeys("410, there is no such list"),
		},
		Differs: []string{
			"The guide requires sep_domainid, and fn_sep does not: without it the login's domain counts.",
			"Both an id and a name may be given; then the list of the id has to have that name.",
		},
		Unset: loginDomain(),
		call: func(ctx context.Context, c call) (Output, error) {
			l, err := c.fingerprintList(ctx)
			if err != nil {
				return Output{}, expected(err, http.StatusGone)
			}
			if name := c.in["sep_fingerprintlist_name"]; name != "" && !strings.EqualFold(name, l.Name) {
				return Output{}, c.fault("sep_fingerprintlist_id", "is that of the list %q, and sep_fingerprintlist_name names another: give one of them", l.Name)
			}
			lines := [][]string{{l.Name, l.ID, "", ""}}
			for i, file := range l.Files {
				line := []string{l.Name, l.ID, file.MD5, file.SHA256}
				if i == 0 {
					lines[0] = line
				} else {
					lines = append(lines, line)
				}
			}
			return one(newListJSON(l), []string{"LIST", "ID", "MD5", "SHA-256"}, lines...), nil
		},
	}
}

// fingerprintList reads the list of the id, or of the name.
func (c call) fingerprintList(ctx context.Context) (sepclient.FingerprintList, error) {
	id, name := c.in["sep_fingerprintlist_id"], c.in["sep_fingerprintlist_name"]
	domain, err := c.domainID(ctx, "sep_domainid")
	if err != nil {
		return sepclient.FingerprintList{}, err
	}
	switch {
	case id == "" && name == "":
		return sepclient.FingerprintList{}, c.fault("sep_fingerprintlist_name", "is missing: give the list's name or its id")
	case id == "":
		return c.sepm.FingerprintListByName(ctx, name, domain)
	}
	l, err := c.sepm.FingerprintList(ctx, id)
	l.DomainID = domain
	return l, err
}

// listJSON is a fingerprint list under SEPM's names (contract: SEPM API A12).
type listJSON struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	HashType    string   `json:"hashType,omitempty"`
	Source      string   `json:"source"`
	GroupIDs    []string `json:"groupIds"`
	Data        any      `json:"data"`
}

// newListJSON has the hashes as the first version of SEPM's API does where that
// can say them, as fn_sep gives them; a list of both kinds is of the second.
func newListJSON(l sepclient.FingerprintList) listJSON {
	j := listJSON{ID: l.ID, Name: l.Name, Description: l.Description, Source: l.Source, GroupIDs: some(l.GroupIDs), Data: some(l.Files)}
	md5, sha256 := []string{}, []string{}
	for _, f := range l.Files {
		if f.MD5 != "" {
			md5 = append(md5, f.MD5)
		}
		if f.SHA256 != "" {
			sha256 = append(sha256, f.SHA256)
		}
	}
	switch {
	case len(sha256) == 0:
		j.HashType, j.Data = "MD5", md5
	case len(md5) == 0:
		j.HashType, j.Data = "SHA256", sha256
	}
	return j
}

// addFingerprintList is "SEP - Add Fingerprint List" (guide §5.8).
func addFingerprintList() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_add_fingerprint_list", Title: "SEP - Add Fingerprint List", Help: "Makes a fingerprint list with a hash, or with several.",
			Inputs: append([]incident.InputDef{listNameInput()}, listContentInputs()...),
		},
		Changes: true,
		Keys:    []KeyDef{{Name: "id", Help: "The new list's id."}, refusalKeys("409, there is a list of that name")},
		Differs: []string{"MD5 and SHA-256 are taken, several too, parted by blanks or commas. A list without hashes is not made: fn_sep makes one of an empty text."},
		Unset:   loginDomain(),
		call: func(ctx context.Context, c call) (Output, error) {
			name := c.in["sep_fingerprintlist_name"]
			if name == "" {
				return Output{}, c.fault("sep_fingerprintlist_name", "is missing")
			}
			files, err := c.listHashes()
			if err != nil {
				return Output{}, err
			}
			domain, err := c.domainID(ctx, "sep_domainid")
			if err != nil {
				return Output{}, err
			}
			l := sepclient.FingerprintList{Name: name, Description: c.in["sep_description"], DomainID: domain, Files: files}
			if err := c.allow(incident.OpCreateList, incident.Target{}, createBody{name, l.Description, domain, hashesOf(l)}); err != nil {
				return Output{}, err
			}
			id, err := c.sepm.CreateFingerprintList(ctx, l)
			if err != nil {
				return Output{}, expected(err, http.StatusConflict)
			}
			return one(map[string]string{"id": id}, []string{"LIST", "ID"}, []string{name, id}), nil
		},
	}
}

// updateFingerprintList is "SEP - Update Fingerprint List" (guide §5.9).
func updateFingerprintList() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_update_fingerprint_list", Title: "SEP - Update Fingerprint List",
			Help:   "Replaces the hashes of a fingerprint list by the given ones.",
			Inputs: append([]incident.InputDef{listNameInput(), listIDInput()}, listContentInputs()...),
		},
		Changes: true,
		Keys: []KeyDef{
			{Name: "id, name", Help: "The list.", New: true},
			{Name: "added, removed", Help: "The hashes that the list did not have before, and had.", New: true},
			refusalKeys("410, there is no such list"),
		},
		Differs: []string{
			"The content of a success is not empty, which fn_sep 1.2's scripts take for no result.",
			"Lists of one kind of hash can be updated. A hash that is given twice, in whatever case, is there once.",
			"A file's MD5 and SHA-256 stay together, also where plain hashes are given. Name and description that are not given stay.",
		},
		Unset: loginDomain(),
		call:  callUpdateList,
	}
}

func callUpdateList(ctx context.Context, c call) (Output, error) {
	files, err := c.listHashes()
	if err != nil {
		return Output{}, err
	}
	rename := c.in["sep_fingerprintlist_name"]
	l, err := c.fingerprintList(ctx)
	if err != nil {
		return Output{}, expected(err, http.StatusGone)
	}
	next := l
	next.Files = pairedAs(files, l.Files)
	if rename != "" {
		next.Name = rename
	}
	if text := c.in["sep_description"]; text != "" {
		next.Description = text
	}
	added, removed := missing(next, l), missing(l, next)
	if err := c.allow(incident.OpReplaceList, incident.Target{Object: l.ID}, editBody{DomainID: l.DomainID, Add: added, Remove: removed}); err != nil {
		return Output{}, err
	}
	if err := c.sepm.ReplaceFingerprintList(ctx, next); err != nil {
		return Output{}, expected(err, http.StatusGone)
	}
	return one(map[string]any{"id": l.ID, "name": next.Name, "added": some(added), "removed": some(removed)},
		[]string{"LIST", "ID", "ADDED", "REMOVED"}, append([]string{next.Name, l.ID}, numbers(len(added), len(removed))...)), nil
}

// pairedAs are files with the pairs of hashes that a list had: who gives plain
// hashes does not mean to part them.
func pairedAs(files, before []sepclient.ListedFile) []sepclient.ListedFile {
	wanted := sepclient.FingerprintList{Files: files}
	var paired []sepclient.ListedFile
	for _, f := range before {
		if f.MD5 != "" && f.SHA256 != "" && wanted.Has(f.MD5) && wanted.Has(f.SHA256) {
			paired = append(paired, f)
		}
	}
	there := sepclient.FingerprintList{Files: paired}
	for _, f := range files {
		if there.Has(f.MD5) {
			f.MD5 = ""
		}
		if there.Has(f.SHA256) {
			f.SHA256 = ""
		}
		if f != (sepclient.ListedFile{}) {
			paired = append(paired, f)
		}
	}
	return paired
}

// hashesOf are all hashes of a list.
func hashesOf(l sepclient.FingerprintList) (hashes []string) {
	for _, f := range l.Files {
		for _, hash := range []string{f.MD5, f.SHA256} {
			if hash != "" {
				hashes = append(hashes, hash)
			}
		}
	}
	return hashes
}

// missing are the hashes of a list that another one has not.
func missing(l, other sepclient.FingerprintList) []string {
	return slices.DeleteFunc(hashesOf(l), other.Has)
}

// deleteFingerprintList is "SEP - Delete Fingerprint List" (guide §5.12).
func deleteFingerprintList() Function {
	id := listIDInput()
	id.Required = true
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_delete_fingerprint_list", Title: "SEP - Delete Fingerprint List",
			Help:   "Deletes a fingerprint list, and takes it from the groups that it is assigned to.",
			Inputs: []incident.InputDef{id},
		},
		Changes: true,
		Keys:    []KeyDef{{Name: "id, deleted", Help: "The list, and true.", New: true}, refusalKeys("410, there is no such list")},
		Differs: []string{"The content of a success is not empty, which fn_sep 1.2's scripts take for no result."},
		call: func(ctx context.Context, c call) (Output, error) {
			id := c.in["sep_fingerprintlist_id"]
			if err := c.allow(incident.OpDeleteList, incident.Target{Object: id}, nil); err != nil {
				return Output{}, err
			}
			if err := c.sepm.DeleteFingerprintList(ctx, id); err != nil {
				return Output{}, expected(err, http.StatusGone)
			}
			return one(map[string]any{"id": id, "deleted": true}, []string{"ID", "DELETED"}, []string{id, "yes"}), nil
		},
	}
}

// assignFingerprintList is "SEP - Assign Fingerprint List to Group" (guide
// §5.11).
func assignFingerprintList() Function {
	id := listIDInput()
	id.Required = true
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_assign_fingerprint_list_to_group", Title: "SEP - Assign Fingerprint List to Group",
			Help: "Makes a fingerprint list that of a group's system lockdown.",
			Inputs: []incident.InputDef{
				{Name: "sep_groupid", Type: incident.InputText, Required: true, Help: "Group ID on which to run the SEP command."}, id,
			},
		},
		Changes: true,
		Keys:    []KeyDef{{Name: "group_id, fingerprint_id, assigned", Help: "Group and list, and true.", New: true}, refusalKeys("400, there is no such list, or it is not valid")},
		Differs: []string{
			"The content of a success is not empty, which fn_sep 1.2's scripts take for no result.",
			"A group that inherits its policies, or has no lockdown, is an error that says so.",
		},
		call: func(ctx context.Context, c call) (Output, error) {
			group, list := c.in["sep_groupid"], c.in["sep_fingerprintlist_id"]
			if err := c.allow(incident.OpAssignList, incident.Target{Groups: []string{group}, Object: list}, nil); err != nil {
				return Output{}, err
			}
			if err := c.sepm.AssignLockdown(ctx, group, list); err != nil {
				return Output{}, expected(err, http.StatusBadRequest)
			}
			return one(map[string]any{"group_id": group, "fingerprint_id": list, "assigned": true},
				[]string{"GROUP ID", "LIST ID"}, []string{group, list}), nil
		},
	}
}
