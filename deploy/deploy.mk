# Part of the Makefile at the top: what puts the platform on other machines.
.PHONY: archive bundle deploy lint-deploy test-deploy .deploy

INVENTORY ?= inventories/example-single
PLAY ?= site
# The part of the tests below that `make test` runs, too, where there is an engine.
ONE_HOST := deploy/tests/test_validate.py deploy/tests/test_one_host.py

archive: .hub ## save the images to deploy/archive, for hosts (IMAGES="stack": only these, SIGN=KEYFILE)
	@$(VENV)/python deploy/archive.py $(IMAGES) $(if $(SIGN),--sign $(SIGN))

bundle: .hub ## write images, tutorials, data and an installer to one file for a machine without network
	@$(VENV)/python deploy/bundle.py $(if $(TAG),--tag $(TAG))

deploy: .deploy ## run a playbook (INVENTORY=..., PLAY=site|verify|..., OPTIONS="--check --diff")
	@cd deploy && .venv/bin/ansible-playbook -i $(INVENTORY) playbooks/$(PLAY).yml $(OPTIONS)

lint-deploy: .deploy ## check playbooks and roles (ansible-lint, profile production)
	@$(VENV)/python deploy/roles.py --check
	@cd deploy && ANSIBLE_HOME=.ansible PATH=$(CURDIR)/deploy/.venv/bin:$$PATH .venv/bin/ansible-lint -q

test-deploy: .dev .deploy ## deploy to hosts in containers and test them (Docker Engine and images needed)
	@deploy/.venv/bin/python -m pytest --rootdir deploy/tests -c deploy/tests/machines.ini $(or $(TESTS),deploy/tests)

.deploy: .hub
	@$(VENV)/python deploy/environment.py
	@$(VENV)/python deploy/program.py
