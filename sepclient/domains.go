package sepclient

import (
	"context"
	"net/http"
	"time"
)

// DomainDetails are a domain as the list of domains has it (A9).
type DomainDetails struct {
	Domain
	Description, Company, Contact string
	Enabled                       bool
	// Administrators is how many the domain has, -1 where SEPM does not say.
	Administrators int
	Created        time.Time
}

// Domains lists all domains, whichever the login belongs to. SEPM gives them
// in one piece.
func (c *Client) Domains(ctx context.Context) ([]DomainDetails, error) {
	var list []domainDTO
	if err := c.do(ctx, readDomains(&list)); err != nil {
		return nil, err
	}
	domains := make([]DomainDetails, len(list))
	for i, d := range list {
		domains[i] = DomainDetails{
			Domain:      Domain{ID: string(d.ID), Name: string(d.Name)},
			Description: string(d.Description), Company: string(d.Company), Contact: string(d.Contact),
			Enabled: d.Enabled.is(1), Administrators: d.Administrators.or(-1), Created: d.Created.time(),
		}
	}
	return domains, nil
}

func readDomains(into *[]domainDTO) request {
	return request{op: "list domains", method: http.MethodGet, path: "/domains", read: true, into: into}
}

type domainDTO struct {
	ID             text   `json:"id"`
	Name           text   `json:"name"`
	Description    text   `json:"description"`
	Company        text   `json:"companyName"`
	Contact        text   `json:"contactInfo"`
	Enabled        number `json:"enable"`
	Administrators number `json:"administratorCount"`
	Created        number `json:"createdTime"`
}
