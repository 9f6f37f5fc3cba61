//! The workflow that `init` writes, whole.

use super::tests::options;
use super::*;

#[test]
fn the_usual_workflow_is_three_jobs_with_their_own_rights() {
    let text = workflow(&options(&[Trigger::Label, Trigger::Comments])).expect("rendered");
    insta::assert_snapshot!(text, @r#"
    # Written by `prentice init`; run it again to bring it up to date.
    # prentice-init: e0b7f3dad77ec733526cca4d29f832f5303f971127be4bc116ffb6acd86eb4b4
    name: prentice

    on:
      issues:
        types: [labeled, opened]
      # Safe: who may command is asked of the forge before anything else happens, and no code of a fork is checked out.
      issue_comment: # zizmor: ignore[dangerous-triggers]
        types: [created]
      pull_request_review:
        types: [submitted]
      pull_request_review_comment:
        types: [created]
      # A run that leaves a command waiting starts the next one so.
      repository_dispatch:
        types: [prentice]

    permissions: {}

    concurrency:
      # A second request about the same issue or pull request waits for the first. Whatever is not for Prentice gets a group of
      # its own, so that it takes nobody's place in the queue; so does `stop`, which must not wait for what it stops.
      group: >-
        prentice-${{ (github.event_name == 'repository_dispatch'
        || github.event.label.name == 'prentice'
        || contains(github.event.comment.body, '/prentice') && (github.event.pull_request.head.repo.full_name || github.repository) == github.repository
        || github.event.action == 'opened' && contains(github.event.issue.body, '/prentice')
        || contains(github.event.review.body, '/prentice') && (github.event.pull_request.head.repo.full_name || github.repository) == github.repository)
        && !contains(github.event.comment.body, '/prentice stop')
        && (github.event.issue.number || github.event.pull_request.number || github.event.client_payload.number
        || github.event.schedule || github.event.workflow_run.head_branch) || github.run_id }}
      cancel-in-progress: false

    jobs:
      # Reads the event, asks the forge who may command, and writes down what is wanted. No model, no code of this repository.
      respond:
        name: respond
        if: >-
          github.event_name == 'repository_dispatch'
          || github.event.label.name == 'prentice'
          || contains(github.event.comment.body, '/prentice') && (github.event.pull_request.head.repo.full_name || github.repository) == github.repository
          || github.event.action == 'opened' && contains(github.event.issue.body, '/prentice')
          || contains(github.event.review.body, '/prentice') && (github.event.pull_request.head.repo.full_name || github.repository) == github.repository
        runs-on: ubuntu-24.04
        timeout-minutes: 10
        permissions:
          contents: read # the configuration and task files of the default branch
          issues: write # the label, the progress comment and reactions
          pull-requests: write # the same on pull requests
        outputs:
          decision: ${{ steps.respond.outputs.decision }}
          adopt: ${{ steps.respond.outputs.adopt }}
          order-digest: ${{ steps.respond.outputs.order-digest }}
        steps:
          - id: respond
            uses: acme/prentice@0123456789abcdef0123456789abcdef01234567 # v0.1.0
            with:
              mode: respond
              token: ${{ secrets.PRENTICE_TOKEN || github.token }}
          - if: steps.respond.outputs.order-digest != ''
            uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0
            with:
              name: prentice-order
              path: ${{ runner.temp }}/prentice/order/order.json
              if-no-files-found: error
              overwrite: true
              retention-days: 1

      # Runs the model and, in a sandbox, the code of this repository. No token that can write, and none at all for the program.
      propose:
        name: propose
        needs: respond
        if: needs.respond.outputs.decision == 'run'
        runs-on: ubuntu-24.04
        timeout-minutes: 90
        permissions:
          contents: read # to check the repository out
        outputs:
          digest: ${{ steps.propose.outputs.digest }}
        steps:
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              ref: ${{ github.event.repository.default_branch }}
              fetch-depth: 0
              persist-credentials: false
          # The commits that `adopt` takes over: only fetched, nothing of them is run outside of the sandbox.
          - if: needs.respond.outputs.adopt != ''
            uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              ref: refs/pull/${{ needs.respond.outputs.adopt }}/head
              path: adopted
              fetch-depth: 0
              persist-credentials: false
          - if: needs.respond.outputs.adopt != ''
            shell: bash
            run: |
              git fetch --no-tags ./adopted HEAD
              rm -rf adopted
          # Put here what the tests of this repository need: the sandbox has no network. For example:
          #   - run: npm ci --ignore-scripts
          - uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1
            with:
              name: prentice-order
              path: ${{ runner.temp }}/prentice/order
          - id: propose
            uses: acme/prentice@0123456789abcdef0123456789abcdef01234567 # v0.1.0
            with:
              mode: propose
              order-digest: ${{ needs.respond.outputs.order-digest }}
              model: ${{ vars.PRENTICE_MODEL }}
              base-url: ${{ vars.PRENTICE_BASE_URL }}
              api-key: ${{ secrets.PRENTICE_API_KEY }}
          - if: ${{ !cancelled() && steps.propose.outputs.digest != '' }}
            uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0
            with:
              name: prentice-bundle
              path: ${{ runner.temp }}/prentice/bundle
              if-no-files-found: error
              overwrite: true
              retention-days: 7

      # Measures a pull request that anybody may have opened: its code runs in the sandbox, beside no secret and no token that can
      # write. `/prentice certify` by somebody who may write here starts it.
      certify:
        name: certify
        needs: respond
        if: needs.respond.outputs.decision == 'certify'
        runs-on: ubuntu-24.04
        timeout-minutes: 90
        permissions:
          contents: read # to check the repository out
        outputs:
          digest: ${{ steps.certify.outputs.digest }}
        steps:
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              ref: ${{ github.event.repository.default_branch }}
              fetch-depth: 0
              persist-credentials: false
          # The commits of the pull request: only fetched, nothing of them is run outside of the sandbox.
          - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
            with:
              ref: refs/pull/${{ needs.respond.outputs.adopt }}/head
              path: adopted
              fetch-depth: 0
              persist-credentials: false
          - shell: bash
            run: |
              git fetch --no-tags ./adopted HEAD
              rm -rf adopted
          - uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1
            with:
              name: prentice-order
              path: ${{ runner.temp }}/prentice/order
          - id: certify
            uses: acme/prentice@0123456789abcdef0123456789abcdef01234567 # v0.1.0
            with:
              mode: propose
              order-digest: ${{ needs.respond.outputs.order-digest }}
          - if: ${{ !cancelled() && steps.certify.outputs.digest != '' }}
            uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0
            with:
              name: prentice-certificate
              path: ${{ runner.temp }}/prentice/bundle
              if-no-files-found: error
              overwrite: true
              retention-days: 7

      # Checks the bundle and puts it on a branch of its own, or tells what a certificate says. No model, no code of this repository.
      publish:
        name: publish
        needs: [respond, propose, certify]
        if: ${{ !cancelled() && contains(fromJSON('["run", "certify", "publish"]'), needs.respond.outputs.decision) }}
        runs-on: ubuntu-24.04
        timeout-minutes: 10
        permissions:
          contents: write # the branch
          issues: write # the progress comment
          pull-requests: write # the pull request and replies to its review
          checks: write # the check run of a certificate
        steps:
          - uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1
            with:
              name: prentice-order
              path: ${{ runner.temp }}/prentice/order
          - if: needs.certify.result == 'success' && needs.certify.outputs.digest != ''
            uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1
            with:
              name: prentice-certificate
              path: ${{ runner.temp }}/prentice/bundle
          - if: needs.propose.result == 'success' && needs.propose.outputs.digest != ''
            uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1
            with:
              name: prentice-bundle
              path: ${{ runner.temp }}/prentice/bundle
          - uses: acme/prentice@0123456789abcdef0123456789abcdef01234567 # v0.1.0
            with:
              mode: publish
              order-digest: ${{ needs.respond.outputs.order-digest }}
              digest: ${{ needs.certify.result == 'success' && needs.certify.outputs.digest || needs.propose.result == 'success' && needs.propose.outputs.digest || '' }}
              token: ${{ secrets.PRENTICE_TOKEN || github.token }}
    "#);
}
