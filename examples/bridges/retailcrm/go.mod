module github.com/acquiring-go/acquiring/examples/bridges/retailcrm

go 1.26.0

require (
	github.com/acquiring-go/acquiring v0.0.0
	github.com/stretchr/testify v1.12.1
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect

replace github.com/acquiring-go/acquiring => ../../..
