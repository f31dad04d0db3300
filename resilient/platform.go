package resilient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/remote"
)

// Platform is what connecting tells of an organization. Its maps are shared
// and never change.
type Platform struct {
	OrgID   int
	OrgName string
	// Version is the server's, such as 51.0.9.0.20848; empty where the caller
	// may not read it.
	Version string
	// HasKeyField is whether the custom field [incident.KeyField] is installed.
	HasKeyField bool
	// Unfit is what keeps sepwatch from opening incidents here: the fields
	// without which the organization opens none, and which neither sepwatch nor
	// [Options].Fields fills (§2.1), and what is wrong with Fields.
	Unfit []Unfit
	// UnfitToClose is what is wrong with [Options].CloseFields.
	UnfitToClose []Unfit
	// OpenOnClose are the fields without which the organization closes no
	// incident, and which [Options].CloseFields does not fill (§2.5). An
	// incident in which people have filled them can be closed.
	OpenOnClose []Field
	// MayCreate is whether the caller may open incidents; nil where the server
	// does not say, as v51 does not (§1.2).
	MayCreate *bool
	// Tables are the data tables that are installed, by API name.
	Tables map[string]Table
	// ArtifactTypes are the types that artifacts may have.
	ArtifactTypes map[incident.ArtifactType]ArtifactType
	// MaxAttachment and MaxFileArtifact are the sizes of the largest files that
	// the server takes, in bytes (§1.10).
	MaxAttachment, MaxFileArtifact int64
	// NoAttachments is whether the organization has switched attachments off.
	NoAttachments bool
}

// organization is a Platform and what it takes to work in it.
type organization struct {
	Platform
	fields map[string]field // of the incident, by API name
	// open and close are what is configured for opening and for closing.
	open, close filled
	// columns and artifacts have the names of ids, for answers that give ids
	// where names were asked for (§11.5).
	columns   map[string]map[string]string // by table
	artifacts map[string]incident.ArtifactType
}

// Connect proves the login, chooses the organization and reads what is defined
// in it. The outcome is kept until a 401 or [Client.Forget]; every other call
// connects by itself. It changes nothing and may be repeated. What will not
// change is [Unauthorized] here and never [Permanent], so that it is not taken
// for the answer to the request that had to connect.
func (c *Client) Connect(ctx context.Context) (Platform, error) {
	org, err := c.organization(ctx)
	if err != nil {
		return Platform{}, err
	}
	return org.Platform, nil
}

func (c *Client) organization(ctx context.Context) (*organization, error) {
	org, err := c.org.get(ctx, c.connect)
	return org, waited(err)
}

// Forget drops what [Client.Connect] learned, for the next call to learn it
// anew; for example after the package was installed.
func (c *Client) Forget() { c.org.take() }

// sessionDTO is the part of a session that is used (§1.2).
type sessionDTO struct {
	Orgs      []orgDTO `json:"orgs"`
	SessionIP text     `json:"session_ip"`
}

type orgDTO struct {
	ID           int   `json:"id"`
	Name         text  `json:"name"`
	UUID         text  `json:"uuid"`
	CloudAccount text  `json:"cloud_account"`
	Enabled      *bool `json:"enabled"`
	Attachments  *bool `json:"attachments_enabled"`
	// Perms are looked into apart: nothing but a probe depends on them.
	Perms json.RawMessage `json:"perms"`
}

// mayCreate reads the one grant that a session may tell (§1.4).
func (o orgDTO) mayCreate() *bool {
	var perms struct {
		CreateIncidents *bool `json:"create_incs"`
	}
	if json.Unmarshal(o.Perms, &perms) != nil {
		return nil
	}
	return perms.CreateIncidents
}

func sessionRequest() request {
	return request{op: "connect", method: http.MethodGet, path: "/rest/session", read: true, query: noPermissions}
}

func (c *Client) connect(ctx context.Context) (*organization, error) {
	org, err := c.learn(ctx)
	if err != nil {
		return nil, notAnswer(err)
	}
	return org, nil
}

func (c *Client) learn(ctx context.Context) (*organization, error) {
	var session sessionDTO
	r := sessionRequest()
	r.into = &session
	if err := c.authorized(ctx, r, c.rest+"/session"); err != nil {
		return nil, err
	}
	chosen, refusal := session.choose(c.options.Org, c.options.caller())
	if refusal != nil {
		e := r.fail(Permanent, refusal.Problem, nil)
		e.Hint = remote.Printable(refusal.Remedy)
		return nil, e
	}
	constants, err := c.constants(ctx)
	if err != nil {
		return nil, err
	}
	var types typesDTO
	r = typesRequest(&types)
	if err := c.authorized(ctx, r, c.address(chosen.ID, r)); err != nil {
		return nil, err
	}
	if types["incident"].Fields == nil {
		// {} must not pass for an organization that requires nothing.
		return nil, r.fail(Temporary, "the answer has no fields of the incident", nil)
	}
	org := &organization{
		Platform: Platform{
			OrgID: chosen.ID, OrgName: string(chosen.Name), Version: string(constants.Server.Version), MayCreate: chosen.mayCreate(),
			Tables: types.tables(), ArtifactTypes: types.artifactTypes(),
			MaxAttachment: bytesOf(constants.MaxAttachment), MaxFileArtifact: bytesOf(constants.MaxArtifact),
			NoAttachments: chosen.Attachments != nil && !*chosen.Attachments,
		},
		fields: types.incidentFields(),
	}
	org.nameIDs()
	org.fit(c.options)
	return org, nil
}

// fit reads what is configured for the fields of the organization.
func (o *organization) fit(options Options) {
	o.HasKeyField = o.fields[incident.KeyField].custom
	o.open, o.Unfit = fill("fields", options.Fields, o.fields, opening)
	o.close, o.UnfitToClose = fill("close_fields", options.CloseFields, o.fields, closing)
	for _, f := range missing(always, o.fields, opening, o.open) {
		if _, tried := options.Fields[f.Name]; tried {
			continue // what is wrong with it is said already
		}
		o.Unfit = append(o.Unfit, Unfit{
			fmt.Sprintf("org %q requires the incident field %q (%s), which sepwatch does not fill", o.OrgName, f.Label, f.Name),
			fmt.Sprintf("set it under resilient.fields, or make %s optional, or required on close only", f.Name),
		})
	}
	o.OpenOnClose = missing(onClose, o.fields, closing, o.close)
}

// nameIDs notes the names of ids.
func (o *organization) nameIDs() {
	o.artifacts = make(map[string]incident.ArtifactType)
	for name, t := range o.ArtifactTypes {
		o.artifacts[fmt.Sprint(t.ID)] = name
	}
	o.columns = make(map[string]map[string]string)
	for table, t := range o.Tables {
		o.columns[table] = make(map[string]string)
		for name, column := range t.Columns {
			o.columns[table][fmt.Sprint(column.ID)] = name
		}
	}
}

// constantsDTO are the constants of the server that are used (§1.10).
type constantsDTO struct {
	MaxAttachment text `json:"max_attachment_mb"`
	MaxArtifact   text `json:"max_artifact_mb"`
	Server        struct {
		Version text `json:"version"`
	} `json:"server_version"`
}

// constants reads the server's constants. Where the caller may not, there are
// none.
func (c *Client) constants(ctx context.Context) (constantsDTO, error) {
	var constants constantsDTO
	r := request{op: "read constants", method: http.MethodGet, path: "/rest/const", read: true, into: &constants}
	err := c.authorized(ctx, r, c.rest+"/const")
	var e *Error
	if errors.As(err, &e) && e.Class == Permanent {
		return constantsDTO{}, nil
	}
	return constants, err
}

// bytesOf is a bound in MB, or that of a server as it is delivered.
func bytesOf(megabytes text) int64 {
	const delivered, most = 25, 1 << 20
	mb := megabytes.id()
	if mb <= 0 || mb > most {
		mb = delivered
	}
	return mb << 20
}

// choose finds the configured organization as IBM's own clients do (§1.4).
func (s sessionDTO) choose(want, caller string) (orgDTO, *Unfit) {
	if len(s.Orgs) == 0 {
		return orgDTO{}, &Unfit{caller + " is not a member of any organization", "add it in the organization's administrator settings"}
	}
	if want == "" {
		return orgDTO{}, &Unfit{"no organization is configured", "set resilient.org to one of " + s.choices()}
	}
	for _, org := range s.Orgs {
		if want != string(org.CloudAccount) && want != string(org.UUID) && want != string(org.Name) {
			continue
		}
		if org.Enabled != nil && !*org.Enabled {
			return orgDTO{}, &Unfit{
				fmt.Sprintf("organization %q is disabled for %s from the address %q", want, strings.Replace(caller, "the", "this", 1), s.SessionIP),
				"check the organization's allowed addresses and how it lets its members log in",
			}
		}
		return org, nil
	}
	return orgDTO{}, &Unfit{
		fmt.Sprintf("%s is not a member of organization %q", caller, want),
		fmt.Sprintf("set resilient.org to one of %s, in the same case", s.choices()),
	}
}

func (s sessionDTO) choices() string {
	var names []string
	for _, org := range s.Orgs {
		names = append(names, fmt.Sprintf("%q", org.Name))
	}
	return strings.Join(names, ", ")
}
