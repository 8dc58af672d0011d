module github.com/acquiring-go/acquiring/bench

go 1.26.8

require (
	github.com/acquiring-go/acquiring v0.0.0
	github.com/google/go-github/v88 v88.0.0
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1
	github.com/stripe/stripe-go/v85 v85.0.0
	github.com/svix/svix-webhooks v1.44.0
)

require (
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/google/go-querystring v1.2.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	gopkg.in/validator.v2 v2.0.1 // indirect
)

replace github.com/acquiring-go/acquiring => ../
